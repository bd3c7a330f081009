package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var addUniqueConstraint = rule{
	Rule: finding.Rule{
		ID:       "add-unique-constraint",
		Meaning:  "A unique constraint builds its index under a lock",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ADD UNIQUE builds an index while it holds ACCESS EXCLUSIVE: reads and writes of the table wait until it is built.",
		Remedy: "CREATE UNIQUE INDEX CONCURRENTLY name ON table (columns); then ALTER TABLE table ADD CONSTRAINT name UNIQUE USING INDEX name, " +
			"which takes a moment.",
	},
	check: func(s *subject) []Hit { return keyHits(s, pg_query.ConstrType_CONSTR_UNIQUE, "UNIQUE") },
}

var addPrimaryKeyWithoutIndex = rule{
	Rule: finding.Rule{
		ID:       "add-primary-key-without-index",
		Meaning:  "A primary key builds its index under a lock",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ADD PRIMARY KEY builds an index, and reads the table once more for columns that allow NULL, while it holds ACCESS EXCLUSIVE: " +
			"reads and writes of the table wait.",
		Remedy: "Make the columns NOT NULL the safe way (see set-not-null-scans), CREATE UNIQUE INDEX CONCURRENTLY name ON table (columns); " +
			"then ALTER TABLE table ADD CONSTRAINT name PRIMARY KEY USING INDEX name.",
	},
	check: func(s *subject) []Hit { return keyHits(s, pg_query.ConstrType_CONSTR_PRIMARY, "PRIMARY KEY") },
}

// keyHits finds constraints of a kind that bring an index to build.
func keyHits(s *subject, kind pg_query.ConstrType, words string) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddConstraint) {
		if c := a.constraint(kind); c != nil && c.GetIndexname() == "" {
			h := keyHit(a, schema.ConstraintName(a.table, c, nil), words, schema.Strings(c.GetKeys()))
			if len(s.tree.GetAlterTableStmt().GetCmds()) == 1 && plainKey(c) && a.table.Kind != catalog.PartitionedTable {
				h.Suggestion = h.Fix
			}
			hits = append(hits, h)
		}
	}
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddColumn) {
		column := a.GetDef().GetColumnDef().GetColname()
		if c := columnConstraint(a.GetDef().GetColumnDef(), kind); c != nil {
			h := keyHit(a, schema.ConstraintName(a.table, c, []string{column}), words, []string{column})
			h.Fix = fmt.Sprintf("Add the column without %s, then:\n%s", words, h.Fix)
			hits = append(hits, h)
		}
	}
	return hits
}

// plainKey says that the constraint has none of the clauses that the suggested
// index would have to repeat.
func plainKey(c *pg_query.Constraint) bool {
	return len(c.GetIncluding()) == 0 && len(c.GetOptions()) == 0 && c.GetIndexspace() == "" && !c.GetNullsNotDistinct() && !c.GetDeferrable()
}

func keyHit(a action, name, words string, columns []string) Hit {
	h := Hit{
		Table:   a.table,
		Message: fmt.Sprintf("Adding %s %s builds its index while reads and writes of %s wait", words, name, described(a.table)),
		Fix: fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY %[1]s ON %[2]s (%[3]s);\nALTER TABLE %[2]s ADD CONSTRAINT %[1]s %[4]s USING INDEX %[1]s;",
			quoted(name), quotedName(a.table.Name), quotedList(columns), words),
	}
	if a.table.Kind == catalog.PartitionedTable {
		h.Fix = fmt.Sprintf("Build the unique index on each partition of %[1]s with CONCURRENTLY, add the constraint there USING INDEX, "+
			"then ALTER TABLE ONLY %[1]s ADD CONSTRAINT … and attach the partitions' indexes.", a.table.Name)
	}
	return h
}
