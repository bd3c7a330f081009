package postgres_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestFilesRunAsTheRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	role, _ := b.Login()
	name, url := b.Login()
	b.Exec("grant create on database " + b.Query("select current_database()") + " to " + name + "; grant " + role + " to " + name + "; grant all on schema public to " + role)
	run := executor.Run{Role: role, Actor: "ann", Migrations: load(t, map[string]string{
		"1_a.up.sql":   "create table a as select 1 as n, current_user::text as who",
		"1_a.down.sql": "drop table a",
		"2_b.up.sql":   "insert into a values (2, current_user); create index concurrently a_n on a(n); begin; insert into a values (3, current_user); commit; reset role; create schema mine",
	})}
	b.Exec("grant usage on schema public to " + name)
	if err := b.run(url, run); err != nil {
		t.Fatal(err)
	}
	b.Want("select distinct who from a", role)
	b.Want("select distinct relowner::regrole::text from pg_class where relname in ('a', 'a_n')", role)
	b.Want("select distinct relowner::regrole::text from pg_class where relnamespace = 'shipsql'::regnamespace", name)
	b.Want("select nspowner::regrole::text from pg_namespace where nspname = 'mine'", name)
	run.Migrations = run.Migrations[:1]
	if _, err := openTarget(url).Undo(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	b.Want("select to_regclass('a') is null", "true")
}

func (b *bench) run(url string, run executor.Run) error {
	b.t.Helper()
	_, err := openTarget(url).Apply(b.t.Context(), run)
	return err
}

func TestARoleThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	role, _ := b.Login()
	name, url := b.Login()
	files := load(t, map[string]string{"1_a.sql": "select 1"})
	if err := b.run(url, executor.Run{Role: role, Migrations: files}); fault.CodeOf(err) != fault.Denied || !strings.Contains(err.Error(), `run GRANT "`+role+`" TO "`+name+`"`) {
		t.Errorf("not granted: %v", err)
	}
	if err := b.run(url, executor.Run{Role: "no such role", Migrations: files}); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "set_role") {
		t.Errorf("no such role: %v", err)
	}
	b.Want("select to_regnamespace('shipsql') is null", "true")
}
