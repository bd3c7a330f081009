package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
)

var renameTable = rule{
	Rule: finding.Rule{
		ID:       "rename-table",
		Meaning:  "A table in use gets another name",
		Category: "compatibility", Severity: finding.Warning,
		Why: "The moment the rename commits, every query of the running application that uses the old name fails; the new version's fail until then. " +
			"No order of release avoids both.",
		Remedy: "Rename the table and create a view of the old name in the same migration; drop the view when nothing uses it any more.",
	},
	check: checkRenameTable,
}

func checkRenameTable(s *subject) []Hit {
	n := s.tree.GetRenameStmt()
	if n.GetRenameType() != pg_query.ObjectType_OBJECT_TABLE {
		return nil
	}
	t := s.schema.Lookup(n.GetRelation())
	if t.New {
		return nil
	}
	world, old, renamed := s.schema, t.Name, t.Name
	renamed.Name = n.GetNewname()
	fix := terminated(s.sql) + "\nCREATE VIEW " + quotedName(t.Name) + " AS SELECT * FROM " + quotedName(renamed) + ";" //nolint:unqueryvet // a view that stands in for a table has all its columns
	return []Hit{{
		Message: fmt.Sprintf("Queries that use %s fail once it is called %s", t.Name, n.GetNewname()),
		Fix:     fix, Suggestion: fix,
		Confirm: func() bool { // a view of the old name keeps the queries going
			v := world.Find(old)
			return v == nil || v.Kind != catalog.View
		},
	}}
}

var renameColumn = rule{
	Rule: finding.Rule{
		ID:       "rename-column",
		Meaning:  "A column in use gets another name",
		Category: "compatibility", Severity: finding.Warning,
		Why: "The moment the rename commits, every query of the running application that uses the old name fails; the new version's fail until then. " +
			"No order of release avoids both.",
		Remedy: "Add a column of the new name, keep both by a trigger, fill it in batches, switch the application over, drop the old one.",
	},
	check: checkRenameColumn,
}

func checkRenameColumn(s *subject) []Hit {
	n := s.tree.GetRenameStmt()
	if n.GetRenameType() != pg_query.ObjectType_OBJECT_COLUMN || n.GetRelationType() != pg_query.ObjectType_OBJECT_TABLE {
		return nil
	}
	t := s.schema.Lookup(n.GetRelation())
	if t.NewColumn(n.GetSubname()) {
		return nil
	}
	columnType := "…"
	if c := t.Column(n.GetSubname()); c != nil {
		columnType = c.Type
	}
	return []Hit{{
		Message: fmt.Sprintf("Queries that use %s.%s fail once it is called %s", t.Name, n.GetSubname(), n.GetNewname()),
		Fix: fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;\n-- keep both by a trigger, fill the old rows in batches, switch the application over; in a later migration:\n"+
			"ALTER TABLE %[1]s DROP COLUMN %[4]s;", quotedName(t.Name), quoted(n.GetNewname()), columnType, quoted(n.GetSubname())),
	}}
}
