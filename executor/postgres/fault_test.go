package postgres_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestATerminatedBackend(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a(); select pg_sleep(600)", "2_b.sql": "create table b()"}
	kill := func(e executor.Event) {
		if e.State == executor.EventRunning && e.Statement == 2 {
			b.Exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'shipsql/%' and datname = current_database()")
		}
	}
	_, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, files), Progress: kill})
	if fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "1_a.sql") {
		t.Fatalf("error %v", err)
	}
	b.Want("select to_regclass('a') is null", "true")
	files["1_a.sql"] = "create table a()"
	b.MustApply(files)
}
