package reviewer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/reviewer"
)

// TestHostileFilesEnd: files made to be slow end well before anybody gives up.
func TestHostileFilesEnd(t *testing.T) {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, sql := range map[string]string{
		"unnamed constraints": strings.Repeat("ALTER TABLE t ADD CHECK (a > 0);", 30_000),
		"columns":             repeat(30_000, "ALTER TABLE t ADD c%d int;"),
		"indexes on one line": repeat(30_000, "CREATE INDEX i%d ON t (a);"),
		"syntax errors":       strings.Repeat("x;", 40_000),
		"ignores":             repeat(20_000, "-- shipsql: ignore=drop-table,x%d reason=\"x\"\nDROP TABLE a;\n"),
		"partitions":          "CREATE TABLE p (a int) PARTITION BY LIST (a);" + repeat(5_000, "CREATE TABLE p%[1]d PARTITION OF p FOR VALUES IN (%[1]d);") + strings.Repeat("LOCK TABLE p;", 50),
		"its own partition":   "CREATE TABLE p (a int) PARTITION BY LIST (a); ALTER TABLE p ATTACH PARTITION p DEFAULT; ALTER TABLE p ADD b int; ALTER TABLE p RENAME TO q; DROP TABLE q;",
		"its own domain":      "CREATE DOMAIN d AS d CHECK (VALUE > 0); ALTER TABLE t ADD c d; ALTER TABLE t ALTER c TYPE d;",
		"nested brackets":     strings.Repeat("(", 500_000),
		"open quotes":         strings.Repeat("$a$'", 250_000),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := reviewer.New(parser).Review(ctx, reviewer.Input{Files: file("1.sql", sql)}); err != nil {
				t.Error(err)
			}
		})
	}
}
