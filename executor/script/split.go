package script

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Kind says what a piece of a file is.
type Kind int

// The kinds of pieces.
const (
	SQL    Kind = iota // a statement for the server
	CopyIn             // a COPY … FROM STDIN statement, with data behind it
	Psql               // a line for psql that begins with a backslash, e.g. \connect
	Client             // a command of MySQL's client, e.g. source; never sent to a server
)

// Statement is one piece of a file, without the comments around it and without
// its semicolon; comments inside are kept.
type Statement struct {
	Kind       Kind
	Start, End int    // bytes in the file: the first one, and the one behind the last
	Text       string // the file's bytes from Start to End
	Line       int    // of the first byte
	Column     int    // of the first byte
	EndLine    int    // of the last byte
}

// MaxStatements bounds what Split makes of a file; the last statement takes in
// what comes beyond it.
const MaxStatements = 250_000

// Split takes a file of PostgreSQL apart as [Form.Split] does with the zero Form.
func Split(sql string) []Statement { return Form{}.Split(sql) }

// scan returns the statements of a file, and the comments that may be directives.
func scan(sql string) ([]Statement, []token) {
	s := splitter{lexer: lexer{sql: sql}, place: place{sql: sql, line: 1}, start: -1}
	// A guess that real files need no more of, and that no file makes huge.
	s.statements = make([]Statement, 0, min(strings.Count(sql, ";")+1, len(sql)/32+1))
	for s.step() {
	}
	return s.statements, s.comments
}

// splitter collects statements while it reads tokens.
type splitter struct {
	lexer

	place      place
	statements []Statement
	comments   []token
	start, end int // of the current statement; start is -1 outside of one
	ended      bool
	parens     int
	routine    routine
	copyFrom   copyFrom
}

// step handles one token and says whether there are more.
func (s *splitter) step() bool {
	t := s.next()
	switch t.kind {
	case tokenEnd:
		s.ended = true
		s.finish(SQL)
		return false
	case tokenComment:
		if strings.Contains(s.sql[t.start:t.end], "shipsql:") {
			s.comments = append(s.comments, t)
		}
	case tokenSemicolon:
		if s.parens > 0 || s.routine.depth > 0 {
			s.take(t)
			break
		}
		s.finish(SQL)
	case tokenBackslash:
		s.finish(SQL)
		s.lineComment() // psql reads on to the line's end
		s.take(token{tokenOther, t.start, t.start + len(strings.TrimRight(s.sql[t.start:s.pos], " \t"))})
		s.finish(Psql)
	default:
		s.take(t)
	}
	return true
}

// take makes a token part of the current statement.
func (s *splitter) take(t token) {
	if s.start < 0 {
		s.start = t.start
	}
	s.end = t.end
	switch t.kind {
	default:
	case tokenOpen:
		s.parens++
	case tokenClose:
		s.parens = max(0, s.parens-1)
	case tokenWord:
		if s.parens == 0 {
			word := s.sql[t.start:t.end]
			s.routine.word(word)
			s.copyFrom.word(word)
		}
	}
}

// finish ends the current statement, if there is one.
func (s *splitter) finish(kind Kind) {
	if s.start < 0 || len(s.statements) == MaxStatements-1 && !s.ended {
		return
	}
	if s.copyFrom.stdin() {
		kind = CopyIn
		s.skipCopyData()
	}
	line, column := s.place.at(s.start)
	endLine := line + strings.Count(s.sql[s.start:s.end-1], "\n")
	s.statements = append(s.statements, Statement{
		Kind: kind, Start: s.start, End: s.end, Text: s.sql[s.start:s.end],
		Line: line, Column: column, EndLine: endLine,
	})
	s.start, s.parens, s.routine, s.copyFrom = -1, 0, routine{}, copyFrom{}
}

// skipCopyData moves behind the line \. that ends the data, which begin in the
// line after the statement; without it they go on to the end of the file.
func (s *splitter) skipCopyData() {
	s.lineComment()
	if end := copyEnd.FindStringIndex(s.sql[s.pos:]); end != nil {
		s.pos += end[1]
		return
	}
	s.pos = len(s.sql)
}

var copyEnd = regexp.MustCompile(`(?m)^\\\.\r?$`)

// routine watches for the body of CREATE [OR REPLACE] FUNCTION or PROCEDURE that
// is written as BEGIN ATOMIC … END; its semicolons don't end the statement.
type routine struct {
	state int // index into the words that lead to a body, -1 when it can't come
	begin bool
	depth int // of BEGIN ATOMIC and CASE
}

func (r *routine) word(word string) {
	switch {
	case r.state < 0:
	case r.state < routineBody:
		r.state = routineState(r.state, word)
	case r.depth > 0 && strings.EqualFold(word, "case"):
		r.depth++
	case r.depth > 0 && strings.EqualFold(word, "end"):
		r.depth--
	case r.depth == 0 && r.begin && strings.EqualFold(word, "atomic"):
		r.depth = 1
	default:
		r.begin = strings.EqualFold(word, "begin")
	}
}

// The states of a routine's head.
const (
	routineCreate  = iota // expects CREATE
	routineOr             // OR, FUNCTION, PROCEDURE
	routineReplace        // REPLACE
	routineKind           // FUNCTION, PROCEDURE
	routineBody           // anything
)

func routineState(state int, word string) int {
	is := func(words ...string) bool {
		for _, w := range words {
			if strings.EqualFold(word, w) {
				return true
			}
		}
		return false
	}
	switch {
	case state == routineCreate && is("create"):
		return routineOr
	case state == routineOr && is("or"):
		return routineReplace
	case state == routineReplace && is("replace"):
		return routineKind
	case (state == routineOr || state == routineKind) && is("function", "procedure"):
		return routineBody
	}
	return -1
}

// copyFrom watches for COPY … FROM STDIN, whose data follow in the file.
type copyFrom struct{ state int }

// The states of a COPY statement.
const (
	copyNot   = -1
	copyFirst = iota - 1 // expects COPY
	copySeen             // waits for FROM
	copyFromSeen
	copyStdin
)

func (c *copyFrom) word(word string) {
	switch {
	case c.state == copyFirst && strings.EqualFold(word, "copy"),
		c.state == copySeen && strings.EqualFold(word, "from"),
		c.state == copyFromSeen && strings.EqualFold(word, "stdin"):
		c.state++
	case c.state == copyFirst:
		c.state = copyNot
	case c.state == copyFromSeen:
		c.state = copySeen
	}
}

func (c *copyFrom) stdin() bool { return c.state == copyStdin }

// place turns ascending offsets into lines and columns.
type place struct {
	sql    string
	line   int
	column int // code points of the line before seen
	seen   int // offsets below are counted
}

// at counts what was not counted yet, so that a file of one very long line costs
// no more than another.
func (p *place) at(offset int) (line, column int) {
	fresh := p.sql[p.seen:offset]
	if i := strings.LastIndexByte(fresh, '\n'); i >= 0 {
		p.line += strings.Count(fresh, "\n")
		p.column = 0
		fresh = fresh[i+1:]
	}
	p.column += utf8.RuneCountInString(fresh)
	p.seen = offset
	return p.line, 1 + p.column
}

// Position returns the line and column of a byte offset in the file; an offset
// outside of it counts as its start or end.
func Position(sql string, offset int) (line, column int) {
	p := place{sql: sql, line: 1}
	return p.at(min(max(offset, 0), len(sql)))
}
