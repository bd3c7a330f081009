package postgres

import (
	"fmt"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var createIndexWithoutConcurrently = rule{
	Rule: finding.Rule{
		ID:       "create-index-without-concurrently",
		Meaning:  "An index is built on a table in use without CONCURRENTLY",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "CREATE INDEX holds a SHARE lock until the transaction ends and reads the whole table meanwhile: " +
			"every INSERT, UPDATE and DELETE on the table waits.",
		Remedy: "CREATE INDEX CONCURRENTLY … takes SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes. ShipSQL runs it " +
			"outside of a transaction by itself and removes an index that is left INVALID. On a partitioned table, which has no " +
			"CONCURRENTLY: CREATE INDEX … ON ONLY parent, CREATE INDEX CONCURRENTLY on each partition, ALTER INDEX … ATTACH PARTITION.",
	},
	check: checkCreateIndex,
}

func checkCreateIndex(s *subject) []Hit {
	n := s.tree.GetIndexStmt()
	if n == nil || n.GetConcurrent() {
		return nil
	}
	t := s.schema.Lookup(n.GetRelation())
	message := fmt.Sprintf("Building index %s blocks all writes to %s until it is done", schema.IndexName(t, n), described(t))
	switch {
	case t.New || t.Kind == catalog.PartitionedTable && !n.GetRelation().GetInh():
		return nil
	case t.Kind == catalog.PartitionedTable:
		return []Hit{{Table: t, Message: message, Fix: partitionedIndexFix(s.sql, schema.IndexName(t, n), t)}}
	}
	suggestion := terminated(insertBehind(s.sql, "INDEX", " CONCURRENTLY"))
	return []Hit{{Table: t, Message: message, Fix: suggestion, Suggestion: suggestion}}
}

func partitionedIndexFix(sql, index string, t *schema.Table) string {
	return fmt.Sprintf("%s\n-- then for each partition p of %s:\nCREATE INDEX CONCURRENTLY p_%s ON p …;\nALTER INDEX %s ATTACH PARTITION p_%s;",
		terminated(insertBehind(sql, "ON", " ONLY")), t.Name, index, quoted(index), index)
}
