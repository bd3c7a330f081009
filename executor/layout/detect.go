package layout

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// signs are how many files bear the signs of a layout.
type signs struct {
	files int    // that bear one
	of    int    // that could
	what  string // e.g. "carry -- +goose Up"
	sure  bool   // one file is enough: no other layout has such a file
}

func (s signs) String() string {
	if s.sure {
		return s.what
	}
	return fmt.Sprintf("%d of %d files %s", s.files, s.of, s.what)
}

// marked counts the files whose text carries a mark, of those whose text is known.
func marked(files []executor.File, mark func(text string) bool, what string) signs {
	s := signs{what: what}
	for _, f := range files {
		if IsSQL(f.Path) && !f.Unread {
			s.of++
			if mark(view(f.Content)) {
				s.files++
			}
		}
	}
	return s
}

func carries(files []executor.File, mark func(text string) bool) bool {
	return marked(files, mark, "").files > 0
}

// detect finds the one layout whose signs the files bear.
func detect(files []executor.File) (choice, error) {
	var found []choice
	for _, a := range adapters {
		if s := a.signs(files); s.files > 0 {
			found = append(found, choice{a, s.String()})
			if !s.sure && s.files*2 < s.of {
				found = append(found, choice{native, "the others carry no sign of a tool"})
			}
		}
	}
	switch len(found) {
	case 0:
		return choice{native, "no file carries a sign of another tool"}, nil
	case 1:
		return found[0], nil
	}
	return choice{}, ambiguous(found)
}

func ambiguous(found []choice) error {
	var seen []string
	for _, c := range found {
		seen = append(seen, c.name+" ("+c.why+")")
	}
	return fault.New(fault.Invalid, "the files bear the signs of several layouts: %s", strings.Join(seen, ", ")).
		Then("set layout: to the one that is meant")
}
