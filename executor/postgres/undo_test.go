package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
)

// A down text may have steps and blocks of its own.
func TestAnUndoInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(engine.Reversible)
	run := executor.Run{Migrations: load(t, engine.Reversible)[1:], Limits: quick, Actor: "ann", Release: "R2", ToolVersion: "v2"}
	got, err := b.Undo(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"runs as 4 parts in the order written, each committed by itself: line 1, line 2, lines 4–5, line 7"}, got.Outcomes[0].Notes); diff != "" {
		t.Error(diff)
	}
	b.Want("select n from a", "111411")
	b.Want("select version, state, actor, release from shipsql.migrations order by version", "1|applied||\n2|undone|ann|R2\n3|undone|ann|R2")
	b.Want("select count(*) from shipsql.steps", "0")
}

func TestAFailedUndoLeavesThingsAsTheyWere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_a.up.sql": "create table a()", "1_a.down.sql": "drop table a;\n\nselect 1/0;",
		"2_b.up.sql": "create table b as select 1 as n union all select 1", "2_b.down.sql": "create unique index concurrently on b(n);",
	}
	b.MustApply(files)
	folder := load(t, files)
	for i, state := range []string{"22012", "23505"} {
		_, err := b.Undo(t.Context(), executor.Run{Migrations: folder[i : i+1], Limits: quick})
		var failure *executor.Failure
		if !errors.As(err, &failure) || failure.SQLState != state {
			t.Fatalf("error %v", err)
		}
	}
	b.Want("select to_regclass('a') is null", "false")
	b.Want("select string_agg(state, ',') from shipsql.migrations", "applied,applied")
	b.Want("select count(*) from shipsql.steps", "0")
}
