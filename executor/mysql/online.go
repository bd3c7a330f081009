package mysql

import (
	"context"
	"fmt"
	"regexp"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
)

// asserted runs a statement; under the policy online=assert one that changes a
// table runs with clauses that make the server refuse to copy it, or to stall its
// writers, instead of doing so.
func (f *file) asserted(ctx context.Context, s statement) (int64, error) {
	if !f.online || !changesTable(s.parsed.Kind) || dropsIndex(s) {
		return f.execute(ctx, s.Text, f.limitOf(s))
	}
	if s.parsed.Algorithm != "" || s.parsed.Lock != "" {
		if s.parsed.Algorithm == "COPY" || s.parsed.Lock == "SHARED" || s.parsed.Lock == "EXCLUSIVE" {
			return 0, notOnline(fmt.Sprintf("the statement asks for ALGORITHM=%s LOCK=%s", orDefault(s.parsed.Algorithm, "DEFAULT"), orDefault(s.parsed.Lock, "DEFAULT")))
		}
		return f.execute(ctx, s.Text, f.limitOf(s))
	}
	var refused error
	for _, clause := range [][2]string{{"INSTANT", ""}, {"INPLACE", "NONE"}} {
		text, ok := s.parsed.Online(clause[0], clause[1])
		if !ok {
			return 0, notOnline("ALGORITHM and LOCK clauses can't be added to it")
		}
		rows, err := f.execute(ctx, text, f.limitOf(s))
		if n := number(err); n != errAlgorithm && n != errAlgorithmReason {
			return rows, err
		}
		refused = err
	}
	return 0, notOnline("the server says: " + refused.Error()).Because(refused)
}

// dropsIndex finds what never copies, and takes no clauses on MariaDB: DROP INDEX
// of any index but the primary key.
func dropsIndex(s statement) bool {
	return s.parsed.Kind == syntax.DropIndex && !primaryKey.MatchString(s.Text)
}

var primaryKey = regexp.MustCompile("(?i)\\bindex\\s+(if\\s+exists\\s+)?`?primary`?\\s")

func changesTable(k syntax.Kind) bool {
	return k == syntax.AlterTable || k == syntax.CreateIndex || k == syntax.DropIndex
}

func notOnline(why string) *fault.Error {
	return fault.New(fault.Denied, "the statement would copy the table or stall its writers, which online=assert forbids; %s", why).
		Then("change the table with gh-ost or pt-online-schema-change, or allow it for this environment")
}
