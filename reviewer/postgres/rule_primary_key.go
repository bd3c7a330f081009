package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var tableWithoutPrimaryKey = rule{
	Rule: finding.Rule{
		ID:       "table-without-primary-key",
		Meaning:  "A table is made without a primary key",
		Category: "correctness", Severity: finding.Warning,
		Why: "Without a primary key a single row can't be addressed, duplicates can't be told apart, and logical replication refuses UPDATE and DELETE " +
			"(the table has no replica identity).",
		Remedy: "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, or the columns that identify a row.",
	},
	check: checkPrimaryKey,
}

// checkPrimaryKey waits for the end of the change: the key may come in a later
// statement, and a helper table may be gone by then.
func checkPrimaryKey(s *subject) []Hit {
	n := s.tree.GetCreateStmt()
	if n == nil || n.GetRelation().GetRelpersistence() == "t" || n.GetPartbound() != nil || s.copiesUnknown(n) {
		return nil
	}
	world, relation := s.schema, n.GetRelation()
	var made *schema.Table
	return []Hit{{
		Message: fmt.Sprintf("Table %s has no primary key", relation.GetRelname()),
		Fix:     fmt.Sprintf("Add a column to the list: id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY; or name the columns that identify a row: PRIMARY KEY (%s)", firstColumn(n)),
		after:   func() { made = world.Lookup(relation) },
		Confirm: func() bool { return made.New && !made.HasPrimaryKey() && world.Find(made.Name) == made },
	}}
}

// copiesUnknown says whether the table copies one that nobody described, with
// what may be its key.
func (s *subject) copiesUnknown(n *pg_query.CreateStmt) bool {
	for _, e := range n.GetTableElts() {
		if like := e.GetTableLikeClause(); like != nil && !s.schema.Lookup(like.GetRelation()).Known {
			return true
		}
	}
	return false
}

func firstColumn(n *pg_query.CreateStmt) string {
	for _, e := range n.GetTableElts() {
		if name := e.GetColumnDef().GetColname(); name != "" {
			return quoted(name)
		}
	}
	return "…"
}
