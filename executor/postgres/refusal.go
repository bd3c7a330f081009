package postgres

import (
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// Refusal says why Apply would refuse a statement of a file, nil if it would
// not, so that a review says it before the merge. Statements that merely don't
// parse are not refused here, nor are BEGIN and COMMIT: see Unpaired.
func Refusal(s script.Statement, parsed syntax.Parsed) *fault.Error {
	if parsed.Tree == nil && s.Kind == script.SQL {
		return nil
	}
	if err := admissible(s, parsed); err != nil {
		return err
	}
	return refuse(s.Text, parsed.Tree)
}
