package postgres

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/internal/fault"
)

// A value that ALTER TYPE … ADD VALUE brings can't be used before its
// transaction has committed (SQLSTATE 55P04); before version 17 not even where
// the type is made in the same one: https://www.postgresql.org/docs/16/sql-altertype.html

// enumValue is a value that is added to an enumerated type.
type enumValue struct{ kind, value string }

func addedValue(tree *pg_query.Node) enumValue {
	s := tree.GetAlterEnumStmt()
	if s == nil || s.GetOldVal() != "" {
		return enumValue{}
	}
	return enumValue{lastName(s.GetTypeName()), s.GetNewVal()}
}

func lastName(parts []*pg_query.Node) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1].GetString_().GetSval()
}

// splitEnums ends the transaction that adds a value before the next one that may
// use it.
func (p *program) splitEnums() error {
	for i, s := range slices.Backward(p.statements) {
		use := -1
		if s.adds.kind != "" && s.alone == nil {
			use = p.usedTogether(i)
		}
		switch {
		case use < 0:
		case s.block > 0:
			return p.refused(p.statements[use], fault.New(fault.Invalid, "the value '%s' of the type %s can't be used in the transaction that adds it (line %d)",
				s.adds.value, s.adds.kind, s.Line).Then("write COMMIT; BEGIN; between the two"))
		default:
			p.statements[i].ends, p.perStep = true, true
		}
	}
	return nil
}

// usedTogether returns the index of the first statement that names the value
// which the one at i adds, and would share its transaction; -1 if there is none.
// A text in a comment or a body counts too: a part more does no harm.
func (p *program) usedTogether(i int) int {
	added := p.statements[i].adds
	literal := "'" + strings.ReplaceAll(added.value, "'", "''") + "'"
	for j, s := range p.statements[i+1:] {
		switch {
		case s.alone != nil || !p.together(p.statements[i], s):
			return -1
		case s.adds == (enumValue{}) && strings.Contains(s.Text, literal):
			return i + 1 + j
		case s.ends:
			return -1
		}
	}
	return -1
}

// together says that two statements share a transaction, if nothing between them
// ends it.
func (p *program) together(a, b statement) bool {
	return a.block == b.block && (!p.separate || a.block > 0)
}
