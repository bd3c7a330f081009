package postgres

import (
	"regexp"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
)

var concurrentlyInTransaction = rule{
	Rule: finding.Rule{
		ID:       "concurrently-in-transaction",
		Meaning:  "A CONCURRENTLY statement stands inside a transaction",
		Category: "correctness", Severity: finding.Error,
		Why: "CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION with CONCURRENTLY commit in between, so PostgreSQL refuses them " +
			"inside BEGIN … COMMIT, a function or a DO block: the migration would fail (SQLSTATE 25001).",
		Remedy: "Write the statement by itself, without BEGIN and COMMIT around it: ShipSQL runs it outside of a transaction.",
	},
	check: checkConcurrently,
}

func checkConcurrently(s *subject) []Hit {
	switch {
	case s.inBlock && concurrent(s.tree):
		return []Hit{{
			Message: Kind(s.tree) + " CONCURRENTLY can't run between BEGIN and COMMIT",
			Fix:     "Move COMMIT before it, and BEGIN behind it.",
		}}
	case concurrentInBody(s.tree) != "":
		return []Hit{{
			Message: concurrentInBody(s.tree) + " can't run inside a function or DO block",
			Fix:     "Write it as a statement of its own.",
		}}
	}
	return nil
}

// concurrent says whether a statement can't share a transaction because of its
// CONCURRENTLY. (REFRESH MATERIALIZED VIEW CONCURRENTLY can.)
func concurrent(tree *pg_query.Node) bool {
	for _, c := range tree.GetAlterTableStmt().GetCmds() {
		if c.GetAlterTableCmd().GetDef().GetPartitionCmd().GetConcurrent() {
			return true
		}
	}
	return tree.GetIndexStmt().GetConcurrent() || tree.GetDropStmt().GetConcurrent() || option(tree.GetReindexStmt().GetParams(), "concurrently")
}

// inBody finds the statements in a body's text, whose language has no tree.
var inBody = regexp.MustCompile(`(?i)\b(?:create\s+(?:unique\s+)?index|drop\s+index|reindex\s+(?:\([^)]*\)\s*)?(?:table|index|schema|database))\s+concurrently\b`)

// comments are taken out of a body before it is searched.
var comments = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/`)

// concurrentInBody returns such a statement's words in a function or DO block.
func concurrentInBody(tree *pg_query.Node) string {
	options := append(tree.GetDoStmt().GetArgs(), tree.GetCreateFunctionStmt().GetOptions()...)
	for _, o := range options {
		d := o.GetDefElem()
		if d.GetDefname() != "as" {
			continue
		}
		for _, body := range append(d.GetArg().GetList().GetItems(), d.GetArg()) {
			if found := inBody.FindString(comments.ReplaceAllString(body.GetString_().GetSval(), "")); found != "" {
				return found
			}
		}
	}
	return ""
}
