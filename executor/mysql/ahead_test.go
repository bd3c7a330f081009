package mysql_test

import (
	"context"
	"errors"
	"testing"

	"github.com/shipsql/shipsql/executor"
)

// A statement is announced with the end of the one before it only where the catalog
// can tell that it was not sent, and a run that ends between the two leaves no trace
// of it.
func TestAnAnnouncedStatementThatIsNotSent(t *testing.T) {
	t.Parallel()
	const table = "create table a(n int)"
	for _, c := range []struct {
		first, next string
		announced   bool
	}{
		{table, "create index nth on a(n)", true},
		{table, "create table b(n int)", true},
		{table, "drop table other", true},
		{table, "create view v as select n from a", true},
		{table, "rename table other to z", true},
		{table, "alter table other add column m int, algorithm=inplace, lock=none", true},
		{table, "truncate table other", false},
		{table, "create table b select n from a", false},
		{table, "insert into a values (1)", false},
		{table, "call fill()", false},
		{table, "create or replace table a(m int)", false},
		{table, "rename table a to z, other to a", false},
		{table, "grant select on a to current_user()", false},
		// What only a person can judge is recorded at once.
		{"truncate table other", table, false},
		{"call fill()", table, false},
	} {
		for way, files := range map[string]map[string]string{
			"of one file":  {"1_a.sql": c.first + "; " + c.next},
			"of two files": {"1_a.sql": c.first, "2_b.sql": c.next},
		} {
			t.Run(way+"/"+c.first+"/"+c.next, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.Exec("create table other(n int)", "create procedure fill() insert into other values (1)")
				asked, between := 0, ""
				gone := errors.New("another has the job")
				stillMine := func() error {
					if asked++; asked < 3 { // when the run begins, and before its first statement
						return nil
					}
					between = b.Query("select version, n, state from shipsql_steps order by version, n")
					return gone
				}
				_, err := b.Apply(t.Context(), executor.Run{
					Migrations: load(t, files), Limits: quick, StillMine: func(context.Context) error { return stillMine() },
				})
				if !errors.Is(err, gone) {
					t.Fatal(explain(err))
				}
				want, second := "1|1|done", "\n1|2|intent"
				if len(files) == 2 {
					second = "\n2|1|intent"
				}
				if c.announced {
					want += second
				}
				if between != want {
					t.Errorf("between the two the ledger says %q, want %q", between, want)
				}
				b.Want("select version, n, state from shipsql_steps", "1|1|done")
				b.Want("select version from shipsql_migrations", "1")
				b.MustApply(files)
				b.Want("select distinct state from shipsql_steps", "done")
			})
		}
	}
}

// So does an undo.
func TestAnAnnouncedUndoThatIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_a.up.sql": "create table a(n int)", "1_a.down.sql": "drop table a",
		"2_b.up.sql": "create table b(n int)", "2_b.down.sql": "drop table b",
	}
	b.MustApply(files)
	asked := 0
	gone := errors.New("another has the job")
	stillMine := func() error {
		if asked++; asked < 3 {
			return nil
		}
		b.Want("select version, n, kind, state from shipsql_steps where state <> 'done'", "1|1|undo|intent")
		return gone
	}
	_, err := openTarget(b.URL).Undo(t.Context(), executor.Run{
		Migrations: load(t, files), Limits: quick, StillMine: func(context.Context) error { return stillMine() },
	})
	if !errors.Is(err, gone) {
		t.Fatal(explain(err))
	}
	b.Want("select version, state from shipsql_migrations order by version", "1|applied\n2|undone")
	b.Want("select distinct state from shipsql_steps", "done")
}
