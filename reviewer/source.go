package reviewer

import (
	"context"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// maxStatements bounds what is analysed of one file: beyond it the file is data
// and is reported as not analysed.
const maxStatements = 50_000

// A window is what is parsed at once; its trees are dropped before the next.
const (
	windowBytes      = 1 << 20
	windowStatements = 4096
)

// source is one file, split.
type source struct {
	path       string
	sql        string
	statements []script.Statement
	directives []script.Directive
	unreadable *fault.Error   // the executor would refuse the file as a whole
	faults     []*fault.Error // of directives; Where is "line:column"
	tooMany    bool           // statements, so none was kept
	begin      func()
}

// readAll splits the files. begin is called before the first piece of each.
func readAll(files []executor.File, form script.Form, begin func()) []source {
	sources := make([]source, len(files))
	for i, f := range files {
		sources[i] = read(f, form)
		sources[i].begin = begin
	}
	return sources
}

// read checks a file as the executor does when it loads it, and splits it. What a
// layout read already says how it is split, and may be empty.
func read(f executor.File, form script.Form) source {
	s := source{path: f.Path}
	if strings.Count(string(f.Content), ";") > 20*maxStatements { // not even worth splitting
		s.tooMany = true
		return s
	}
	if s.unreadable = layout.CheckText(f.Content); s.unreadable != nil {
		return s
	}
	loaded := f.Form != (script.Form{})
	if loaded {
		form.Delimiter, form.Blocks = f.Form.Delimiter, f.Form.Blocks
	}
	s.sql = strings.TrimPrefix(string(f.Content), "\ufeff")
	s.statements = form.Split(s.sql)
	switch {
	case len(s.statements) == 0 && !loaded:
		s.unreadable = layout.Empty()
		return s
	case len(s.statements) > maxStatements:
		s.statements, s.tooMany = nil, true
		return s
	}
	s.directives, s.faults = form.Directives(s.sql, s.statements)
	return s
}

// piece is a statement on its way through a review.
type piece struct {
	file      int // index of its source
	index     int // of the statement in the file
	statement script.Statement
	parsed    syntax.Parsed
}

// walk parses all statements and hands them to visit, in order.
func (r *Reviewer) walk(ctx context.Context, sources []source, visit func(piece)) error {
	var window []piece
	size := 0
	flush := func() error {
		err := r.visit(ctx, sources, window, visit)
		window, size = window[:0], 0
		return err
	}
	for i, s := range sources {
		for j, st := range s.statements {
			window = append(window, piece{file: i, index: j, statement: st})
			size += len(st.Text)
			if size < windowBytes && len(window) < windowStatements {
				continue
			}
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (r *Reviewer) visit(ctx context.Context, sources []source, window []piece, visit func(piece)) error {
	texts := make([]string, len(window))
	for i, p := range window {
		texts[i] = p.statement.Text
	}
	parsed, err := r.parser.Parse(ctx, texts)
	if err != nil {
		return fmt.Errorf("parse the files: %w", err)
	}
	for i, p := range window {
		p.parsed = parsed[i]
		if p.index == 0 {
			sources[p.file].begin()
		}
		visit(p)
	}
	return nil
}
