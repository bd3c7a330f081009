package postgres

import (
	"fmt"
	"slices"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var deleteOrUpdateWithoutWhere = rule{
	Rule: finding.Rule{
		ID:       "delete-or-update-without-where",
		Meaning:  "DELETE or UPDATE touches every row",
		Category: "data loss", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "Without a WHERE that excludes something, every row is deleted or changed. All of them stay locked until the transaction ends, and an UPDATE " +
			"leaves a dead copy of each row behind.",
		Remedy: "Say which rows: WHERE …. To fill a column of a large table, work in batches of some thousand rows, each in a transaction of its own.",
	},
	check: checkWhere,
}

func checkWhere(s *subject) []Hit {
	hits := whereHits(s, s.tree)
	for _, cte := range withClause(s.tree).GetCtes() {
		hits = append(hits, whereHits(s, cte.GetCommonTableExpr().GetCtequery())...)
	}
	return hits
}

func withClause(tree *pg_query.Node) *pg_query.WithClause {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_SelectStmt:
		return n.SelectStmt.GetWithClause()
	case *pg_query.Node_InsertStmt:
		return n.InsertStmt.GetWithClause()
	case *pg_query.Node_UpdateStmt:
		return n.UpdateStmt.GetWithClause()
	case *pg_query.Node_DeleteStmt:
		return n.DeleteStmt.GetWithClause()
	}
	return nil
}

func whereHits(s *subject, tree *pg_query.Node) []Hit {
	if n := tree.GetDeleteStmt(); n != nil && alwaysTrue(n.GetWhereClause()) {
		return whereHit(s.schema.Lookup(n.GetRelation()), "DELETE removes", "DELETE FROM %s WHERE …;")
	}
	if n := tree.GetUpdateStmt(); n != nil && alwaysTrue(n.GetWhereClause()) {
		return whereHit(s.schema.Lookup(n.GetRelation()), "UPDATE changes", "UPDATE %s SET … WHERE …;")
	}
	return nil
}

func whereHit(t *schema.Table, does, fix string) []Hit {
	if t.New {
		return nil
	}
	return []Hit{{
		Table:   t,
		Message: fmt.Sprintf("%s every row of %s", does, described(t)),
		Fix:     "Say which rows: " + fmt.Sprintf(fix, quotedName(t.Name)),
	}}
}

// alwaysTrue says whether a WHERE is missing or plainly excludes nothing: TRUE,
// 1 = 1, or such joined by AND, or one such in an OR.
func alwaysTrue(where *pg_query.Node) bool {
	if where == nil || where.GetAConst().GetBoolval().GetBoolval() {
		return true
	}
	if e := where.GetAExpr(); e != nil && len(e.GetName()) == 1 && e.GetName()[0].GetString_().GetSval() == "=" {
		left, right := e.GetLexpr().GetAConst(), e.GetRexpr().GetAConst()
		return left != nil && right != nil && left.GetIval() != nil && right.GetIval() != nil && left.GetIval().GetIval() == right.GetIval().GetIval()
	}
	b := where.GetBoolExpr()
	switch b.GetBoolop() {
	case pg_query.BoolExprType_AND_EXPR:
		return !slices.ContainsFunc(b.GetArgs(), func(arg *pg_query.Node) bool { return !alwaysTrue(arg) })
	case pg_query.BoolExprType_OR_EXPR:
		return slices.ContainsFunc(b.GetArgs(), alwaysTrue)
	}
	return false
}
