package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var dropTable = rule{
	Rule: finding.Rule{
		ID:       "drop-table",
		Meaning:  "A table is dropped with its rows",
		Category: "data loss", Severity: finding.Error, Empty: finding.Warning,
		Why: "DROP TABLE deletes every row for good, and whatever still reads the table fails from then on. It also holds ACCESS EXCLUSIVE on every " +
			"table that the dropped one references.",
		Remedy: "Stop using the table first, rename it, keep it for as long as you may want it back, and drop it in a later migration.",
	},
	check: checkDropTable,
}

func checkDropTable(s *subject) []Hit {
	n := s.tree.GetDropStmt()
	if n.GetRemoveType() != pg_query.ObjectType_OBJECT_TABLE {
		return nil
	}
	var hits []Hit
	for _, object := range n.GetObjects() {
		t := s.schema.Lookup(schema.RangeVar(object.GetList().GetItems()))
		if t.New {
			continue
		}
		hits = append(hits, Hit{
			Table:   t,
			Message: fmt.Sprintf("Dropping %s deletes its rows for good", described(t)),
			Fix: fmt.Sprintf("Once nothing uses it any more:\nALTER TABLE %s RENAME TO %s;\n-- and when nobody missed it, in a later migration:\nDROP TABLE %[3]s;",
				quotedName(t.Name), quoted(t.Name.Name+"_old"), quotedName(catalog.Name{Schema: t.Name.Schema, Name: t.Name.Name + "_old"})),
		})
	}
	return hits
}

var dropColumn = rule{
	Rule: finding.Rule{
		ID:       "drop-column",
		Meaning:  "A column is dropped with its values",
		Category: "data loss", Severity: finding.Error, Empty: finding.Warning,
		Why: "DROP COLUMN deletes every value for good, takes the indexes and constraints on the column with it, and whatever still names the column " +
			"(an ORM's cached list of columns, too) fails from then on.",
		Remedy: "Release a version of the application that does not use the column first; then drop it, and have the drop waived.",
	},
	check: checkDropColumn,
}

func checkDropColumn(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_DropColumn) {
		if a.table.NewColumn(a.GetName()) {
			continue
		}
		hits = append(hits, Hit{
			Table:   a.table,
			Message: fmt.Sprintf("Dropping column %s of %s deletes its values for good", a.GetName(), described(a.table)),
			Fix: "Release a version that doesn't use the column first. Once nothing does, have this waived:\n" +
				terminated(s.sql),
		})
	}
	return hits
}
