package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
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
	name := strings.TrimSpace(r.Check + " " + console.Plain(r.Subject))
	name += strings.Repeat(" ", max(nameWidth-utf8.RuneCountInString(name), 1))
	fmt.Fprintf(t.Out, "%s  %s %s\n", mark, name, console.Plain(r.Found))
	margin := strings.Repeat(" ", indent+4)
	if r.Why != "" {
		fmt.Fprintf(t.Out, "%swhy: %s\n", margin, console.Plain(r.Why))
	}
	for _, step := range r.Fix {
		fmt.Fprintf(t.Out, "%sfix: %s\n", margin, console.Plain(step))
	}
}

// Summary prints the last line.
func (t Text) Summary(r Report) {
	fmt.Fprintf(t.Out, "\n%d ok, %s, %s, %d not checked here\n",
		r.Summary[OK], console.Count(r.Summary[Warning], "warning"), console.Count(r.Summary[Failed], "failure"), r.Summary[NotChecked])
}
