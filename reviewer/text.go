package reviewer

import (
	"fmt"
	"io"
	"strings"

	"github.com/shipsql/shipsql/internal/plural"
)

// The colours of severities on a terminal (ANSI SGR).
var colours = map[Severity]string{Error: "\x1b[1;31m", Warning: "\x1b[1;33m", Notice: "\x1b[1;36m"}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	plain = "\x1b[0m"
)

// WriteText writes the report for people, in colours if asked.
func (r Report) WriteText(w io.Writer, colour bool) error {
	t := textWriter{colour: colour}
	for _, file := range r.Files {
		for _, f := range file.Findings {
			t.finding(file.Path, f)
		}
	}
	t.summary(r)
	_, err := io.WriteString(w, t.String())
	return err
}

type textWriter struct {
	strings.Builder

	colour bool
}

func (t *textWriter) paint(style, text string) string {
	if !t.colour {
		return text
	}
	return style + text + plain
}

func (t *textWriter) finding(path string, f Finding) {
	severity := t.paint(colours[f.Severity], string(f.Severity))
	if f.Waived != "" {
		severity += " (waived)"
	}
	fmt.Fprintf(t, "%s %s %s\n", t.paint(bold, fmt.Sprintf("%s:%d:%d", printable(path), f.Line, f.Column)), severity, f.Rule)
	t.block("  ", f.Message)
	t.block("  why: ", f.Why)
	t.block("  fix: ", f.Fix)
	t.block("  waived: ", f.Waived)
	t.WriteByte('\n')
}

// block writes a text whose further lines stand below its first one.
func (t *textWriter) block(head, text string) {
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	fmt.Fprintf(t, "%s%s\n", t.paint(dim, head), printable(lines[0]))
	for _, line := range lines[1:] {
		fmt.Fprintf(t, "%s%s\n", strings.Repeat(" ", len(head)), printable(line))
	}
}

func (t *textWriter) summary(r Report) {
	s := r.Summary
	fmt.Fprintf(t, "%s, %s: %s, %s, %s", plural.Count(s.Files, "file"), plural.Count(s.Statements, "statement"),
		plural.Count(s.Errors, "error"), plural.Count(s.Warnings, "warning"), plural.Count(s.Notices, "notice"))
	for _, more := range []struct {
		n    int
		word string
	}{{s.Waived, "waived"}, {s.Suppressed, "suppressed"}, {s.NotAnalysed, "not analysed"}} {
		if more.n > 0 {
			fmt.Fprintf(t, ", %d %s", more.n, more.word)
		}
	}
	fmt.Fprintf(t, "\nbasis: %s\n", printable(r.Basis))
}

// printable replaces control characters: SQL and paths are strangers' text, and
// a terminal would obey them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
