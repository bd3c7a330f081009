package executor

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// Failure is a migration that the database, or ShipSQL before it, refused.
// Nothing of its transaction is left.
type Failure struct {
	Version   string
	Path      string
	Statement int        // 1-based; 0 when it is about no one statement
	Line      int        // 1-based line of the file; 0 when unknown
	SQLState  string     // the database's code; "" when ShipSQL refused
	Message   string     // the database's words: they may hold literals, see DESIGN §8.10
	Detail    string     // likewise
	Hint      string     // likewise, or what to do next
	Code      fault.Code // sql_error, lock_timeout, unreachable, invalid, unsupported …
	Err       error      // the cause
}

// Error says where and what, without DETAIL and HINT.
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.Path)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Statement > 0 {
		fmt.Fprintf(&b, ": statement %d", f.Statement)
	}
	b.WriteString(": " + f.Message)
	if f.SQLState != "" {
		b.WriteString(" (SQLSTATE " + f.SQLState + ")")
	}
	return b.String()
}

// FaultCode makes fault.CodeOf see the code.
func (f *Failure) FaultCode() fault.Code { return f.Code }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// AmbiguousError says that the outcome of a step can't be proven. The run stops
// until a person looked and resolved it.
type AmbiguousError struct {
	Version   string
	Path      string
	Statement int    // the step's number, as resolve wants it
	Line      int    // 1-based line of the file; 0 when unknown
	Evidence  string // what is known, for the person who looks
}

// Error says what is unknown and the way on.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s:%d: whether statement %d took effect can't be proven: %s; look at the database, then resolve %s as applied or retry",
		e.Path, e.Line, e.Statement, e.Evidence, e.Step())
}

// Step is the object of the resolve command, e.g. "1.2#3".
func (e *AmbiguousError) Step() string { return fmt.Sprintf("%s#%d", e.Version, e.Statement) }

// FaultCode makes fault.CodeOf see the code.
func (e *AmbiguousError) FaultCode() fault.Code { return fault.Ambiguous }
