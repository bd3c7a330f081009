package postgres

import (
	"fmt"
	"slices"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var setNotNullScansRule = rule{
	Rule: finding.Rule{
		ID:       "set-not-null-scans",
		Meaning:  "SET NOT NULL reads the whole table",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ALTER COLUMN … SET NOT NULL holds ACCESS EXCLUSIVE while it looks for a NULL in every row: reads and writes wait. " +
			"Since PostgreSQL 12 it reads nothing where a validated CHECK (column IS NOT NULL) proves it already.",
		Remedy: "Add CHECK (column IS NOT NULL) NOT VALID; in a later migration validate it, SET NOT NULL, and drop the CHECK. " +
			"On PostgreSQL 18: ADD CONSTRAINT … NOT NULL column NOT VALID, then validate it.",
	},
	check: checkSetNotNull,
}

func checkSetNotNull(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_SetNotNull) {
		if !setNotNullScans(s, a.table, a.GetName()) {
			continue
		}
		hits = append(hits, Hit{
			Table:   a.table,
			Message: fmt.Sprintf("SET NOT NULL on %s reads all of %s and blocks reads and writes meanwhile", a.GetName(), described(a.table)),
			Fix:     notNullFix(s.major, a.table, a.GetName()),
		})
	}
	return hits
}

// setNotNullScans says whether the server must read the table to know that the
// column holds no NULL.
func setNotNullScans(s *subject, t *schema.Table, column string) bool {
	if c := t.Column(column); c != nil && c.NotNull {
		return false
	}
	return s.major < 12 || !slices.ContainsFunc(t.Constraints, func(c catalog.Constraint) bool {
		return c.Validated && slices.Contains(c.NotNull, column)
	})
}

func notNullFix(major int, t *schema.Table, column string) string {
	table, constraint := quotedName(t.Name), quoted(t.Name.Name+"_"+column+"_not_null")
	if major >= 18 {
		return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID;\n-- in a later migration:\nALTER TABLE %s VALIDATE CONSTRAINT %s;",
			table, constraint, quoted(column), table, constraint)
	}
	return fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s CHECK (%[3]s IS NOT NULL) NOT VALID;\n-- in a later migration:\n"+
		"ALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s;\n-- in one after that:\nALTER TABLE %[1]s ALTER COLUMN %[3]s SET NOT NULL;\nALTER TABLE %[1]s DROP CONSTRAINT %[2]s;",
		table, constraint, quoted(column))
}
