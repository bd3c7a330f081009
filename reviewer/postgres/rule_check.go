package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var addCheckWithoutNotValid = rule{
	Rule: finding.Rule{
		ID:       "add-check-without-not-valid",
		Meaning:  "A CHECK constraint is added and checked in one step",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ADD CHECK holds ACCESS EXCLUSIVE while it reads the whole table: reads and writes wait.",
		Remedy: "Add the constraint NOT VALID, which checks new rows only and takes a moment; then, in a later migration, " +
			"ALTER TABLE … VALIDATE CONSTRAINT …, which reads the table under SHARE UPDATE EXCLUSIVE and blocks neither reads nor writes.",
	},
	check: checkCheck,
}

func checkCheck(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddConstraint) {
		c := a.constraint(pg_query.ConstrType_CONSTR_CHECK)
		if c == nil || c.GetSkipValidation() {
			continue
		}
		name := schema.ConstraintName(a.table, c, nil)
		suggestion := notValid(s)
		hits = append(hits, Hit{
			Table:      a.table,
			Message:    fmt.Sprintf("Adding check %s blocks reads and writes of %s while every row is checked", name, described(a.table)),
			Fix:        suggestion + "\n-- in a later migration:\n" + validation(a.table, name),
			Suggestion: suggestion,
		})
	}
	return hits
}

var addColumnWithCheckScans = rule{
	Rule: finding.Rule{
		ID:       "add-column-with-check-scans",
		Meaning:  "A column is added together with a CHECK",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ADD COLUMN … CHECK reads the whole table under ACCESS EXCLUSIVE although the new column is the same in every row: " +
			"reads and writes wait.",
		Remedy: "Add the column alone, then the CHECK as NOT VALID, and validate it in a later migration.",
	},
	check: checkColumnCheck,
}

func checkColumnCheck(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddColumn) {
		column := a.GetDef().GetColumnDef()
		c := columnConstraint(column, pg_query.ConstrType_CONSTR_CHECK)
		if c == nil {
			continue
		}
		name := schema.ConstraintName(a.table, c, []string{column.GetColname()})
		hits = append(hits, Hit{
			Table:   a.table,
			Message: fmt.Sprintf("Adding column %s with a CHECK reads all of %s and blocks reads and writes meanwhile", column.GetColname(), described(a.table)),
			Fix: fmt.Sprintf("Add the column without the CHECK, then:\nALTER TABLE %s ADD CONSTRAINT %s CHECK (…) NOT VALID;\n-- in a later migration:\n%s",
				quotedName(a.table.Name), quoted(name), validation(a.table, name)),
		})
	}
	return hits
}
