package runner

import (
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// Directed is what takes the directives of a text.
type Directed interface {
	// LimitsOf are those of the statement with a number from 1, or of the file.
	LimitsOf(n int) *Timeouts
	// Take does what a directive asks for, unless it can't.
	Take(d script.Directive) bool
}

// Direct gives to the directives of the text that a decision runs, and which was
// taken apart into pieces. One that it can't take is a *executor.Failure.
func Direct(to Directed, d ledger.Decision, pieces []script.Statement) error {
	directives, faults := d.Migration.Form.Directives(d.Text(), pieces)
	if len(faults) > 0 {
		return faults[0].At(d.Path() + ":" + faults[0].Where)
	}
	for _, directive := range directives {
		switch directive.Key {
		case "kind", "ignore": // for the review
		case "lock_timeout":
			to.LimitsOf(directive.Statement + 1).Lock, _ = time.ParseDuration(directive.Value) // script checked it
		case "statement_timeout":
			to.LimitsOf(directive.Statement + 1).Statement, _ = time.ParseDuration(directive.Value)
		default:
			if !to.Take(directive) {
				return unsupported(d, directive)
			}
		}
	}
	return nil
}

func unsupported(d ledger.Decision, directive script.Directive) error {
	return &executor.Failure{
		Version: d.Migration.Version, Path: d.Path(), Line: directive.Line, Code: fault.Unsupported,
		Message: "the directive " + directive.Key + " is not supported yet", Hint: "take it out",
	}
}
