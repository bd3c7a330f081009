package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Line, Column int    // 1-based; columns count characters; 0 when the file has no such place
	Path         string // "databases[0].url"; empty for the file as a whole
	Message      string // what is wrong
	Next         string // what to do about it; may be empty
}

// String is the problem without its place.
func (p Problem) String() string {
	text := p.Message
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.Next != "" {
		text += "; " + p.Next
	}
	return text
}

// Invalid is the error of a configuration with problems; there is at least one.
type Invalid struct {
	File     string
	Problems []Problem // in the order of the file
}

// Error has one line for each problem: file:line:column: path: message; next.
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.File, p.Line, p.Column, p)
	}
	return strings.Join(lines, "\n")
}

// FaultCode makes it an invalid input for [fault.CodeOf].
func (e *Invalid) FaultCode() fault.Code { return fault.Invalid }

func inOrder(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return problems
}
