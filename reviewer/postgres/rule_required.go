package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
)

var addRequiredColumn = rule{
	Rule: finding.Rule{
		ID:       "add-required-column",
		Meaning:  "A NOT NULL column without a default is added",
		Category: "compatibility", Severity: finding.Error, Empty: finding.Notice,
		Why: "On a table with rows ADD COLUMN … NOT NULL without a default fails (SQLSTATE 23502), as the rows would hold NULL; and INSERTs of the " +
			"application's running version, which doesn't know the column, fail on any table.",
		Remedy: "Give the column a constant default, which since PostgreSQL 11 costs nothing; or add it without NOT NULL, fill it, and set it NOT NULL the safe way.",
	},
	check: checkRequired,
}

func checkRequired(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddColumn) {
		if !required(a.GetDef().GetColumnDef()) {
			continue
		}
		hits = append(hits, Hit{
			Table:   a.table,
			Message: fmt.Sprintf("Column %s is NOT NULL and has no default: adding it fails if %s has any rows", a.column(), described(a.table)),
			Fix: fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s NOT NULL DEFAULT …;\n-- or without NOT NULL, filled in batches, then:\n%[4]s",
				quotedName(a.table.Name), quoted(a.column()), columnType(a), notNullFix(s.major, a.table, a.column())),
		})
	}
	return hits
}
