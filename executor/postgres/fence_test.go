package postgres_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// TestNothingRunsBehindTheFence sends files to a database that isn't ours any
// more: not even what a rollback leaves may happen.
func TestNothingRunsBehindTheFence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ spoil, file, says string }{
		"overtaken":               {"update shipsql.meta set epoch = epoch + 1", "insert into a default values", "took the database over"},
		"restored":                {"update shipsql.meta set epoch = 0", "insert into a default values", "went back"},
		"empty":                   {"delete from shipsql.meta", "insert into a default values", "is empty"},
		"two rows":                {"drop index shipsql.meta_one_row; insert into shipsql.meta values (1, 1)", "insert into a default values", "isn't as ShipSQL left it"},
		"overtaken, steps":        {"update shipsql.meta set epoch = epoch + 1", "-- shipsql: transaction=off\ninsert into a default values", "took the database over"},
		"overtaken, a BEGIN":      {"update shipsql.meta set epoch = epoch + 1", "begin isolation level serializable; insert into a default values; commit", "took the database over"},
		"overtaken, not plain":    {"update shipsql.meta set epoch = epoch + 1", "select nextval('s')", "took the database over"},
		"overtaken, many at once": {"update shipsql.meta set epoch = epoch + 1", strings.Repeat("insert into a default values;\n", 100), "took the database over"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Exec("create sequence s; create table a(n int default nextval('s'))")
			_, err := b.Apply(t.Context(), executor.Run{
				Migrations: load(t, map[string]string{"1_x.sql": "create table x()", "2_a.sql": c.file}),
				Progress: func(e executor.Event) {
					if e.State == executor.EventApplied {
						b.Exec(c.spoil)
					}
				},
			})
			if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
			b.Want("select is_called from s", "false")
			b.Want("select string_agg(version, ' ') from shipsql.migrations", "1")
		})
	}
}
