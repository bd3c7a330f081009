package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text prints results for people.
type Text struct {
	Out   io.Writer
	Fancy bool // a terminal: signs and colours; else plain ASCII words
}

var signs = map[Status]struct{ sign, colour, word string }{
	OK: {"✓", "32", "ok  "}, Warning: {"!", "33", "warn"}, Failed: {"✗", "31", "FAIL"}, NotChecked: {"-", "2", "skip"},
}

// nameWidth is the column of the check and its subject.
const nameWidth = 26

// Result prints one result: a line, and where there is something to do, why and
// what.
func (t Text) Result(r Result) {
	mark, indent := signs[r.Status].word, 4
	if t.Fancy {
		mark, indent = "\x1b["+signs[r.Status].colour+"m"+signs[r.Status].sign+"\x1b[0m", 1
	}
	name := strings.TrimSpace(r.Check + " " + plain(r.Subject))
	name += strings.Repeat(" ", max(nameWidth-utf8.RuneCountInString(name), 1))
	fmt.Fprintf(t.Out, "%s  %s %s\n", mark, name, plain(r.Found))
	margin := strings.Repeat(" ", indent+4)
	if r.Why != "" {
		fmt.Fprintf(t.Out, "%swhy: %s\n", margin, plain(r.Why))
	}
	for _, step := range r.Fix {
		fmt.Fprintf(t.Out, "%sfix: %s\n", margin, plain(step))
	}
}

// Summary prints the last line.
func (t Text) Summary(r Report) {
	fmt.Fprintf(t.Out, "\n%d ok, %s, %s, %d not checked here\n",
		r.Summary[OK], count(r.Summary[Warning], "warning"), count(r.Summary[Failed], "failure"), r.Summary[NotChecked])
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// plain takes out what a terminal would obey: names and errors are others' words.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}
