package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
)

// reversible is a folder whose down texts count, too: one transaction, steps,
// and a file with blocks.
func reversible() map[string]string {
	return map[string]string{
		"1_a.up.sql":   "create table a(id int, n int); insert into a values (1, 0)",
		"2_b.up.sql":   "update a set n = n + 1;",
		"2_b.down.sql": "update a set n = n + 10;",
		"3_c.up.sql":   "update a set n = n + 100; create index concurrently a_n on a(n)",
		"3_c.down.sql": "update a set n = n + 1000;\ndrop index concurrently a_n;\nbegin;\nupdate a set n = n + 10000;\nupdate a set n = n + 100000;\ncommit;\nvacuum a;",
	}
}

func (b *bench) undo(files map[string]string, versions ...string) (executor.Result, error) {
	b.t.Helper()
	var undone []executor.Migration
	for _, m := range load(b.t, files) {
		for _, v := range versions {
			if m.Version == v {
				undone = append(undone, m)
			}
		}
	}
	return b.Undo(b.t.Context(), executor.Run{Migrations: undone, Limits: quick, Actor: "ann", Release: "R2", ToolVersion: "v2"})
}

func TestUndoTakesTheNewestBackFirst(t *testing.T) {
	b := newBench(t)
	files := reversible()
	b.mustApply(files)
	got, err := b.undo(files, "2", "3")
	if err != nil {
		t.Fatal(err)
	}
	want := executor.Result{Outcomes: []executor.Outcome{
		{Version: "3", Path: "3_c.up.sql", Kind: executor.Undone, Statements: 7, Notes: []string{"runs as 4 parts in the order written, each committed by itself: line 1, line 2, lines 4–5, line 7"}},
		{Version: "2", Path: "2_b.up.sql", Kind: executor.Undone, Statements: 1},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(executor.Outcome{}, "Duration")); diff != "" {
		t.Error(diff)
	}
	b.want("select n from a", "111111")
	b.want("select version, state, actor, release, tool_version from shipsql.migrations order by version", "1|applied|||\n2|undone|ann|R2|v2\n3|undone|ann|R2|v2")
	b.want("select count(*) from shipsql.steps", "0")
	if got, want := b.states(files), "1 applied 2/2\n2 undone 0/1\n3 undone 0/2"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	again, err := b.undo(files, "2", "3")
	if err != nil || again.Outcomes[0].Kind != executor.AlreadyUndone || again.Outcomes[1].Kind != executor.AlreadyUndone {
		t.Errorf("again: %+v, %v", again, err)
	}
	b.want("select n from a", "111111")

	files["2_b.up.sql"] = "update a set n = n + 2;" // what was undone may be rewritten
	b.mustApply(files)
	b.want("select n from a", "111213")
	if got, want := b.states(files), "1 applied 2/2\n2 applied 1/1\n3 applied 2/2"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
}

func TestUndoRefusals(t *testing.T) {
	b := newBench(t)
	files := reversible()
	files["4_d.up.sql"], files["4_d.down.sql"] = "-- shipsql: transaction=off\nselect 1;\nselect 1/0", "select 1"
	files["5_e.up.sql"], files["5_e.down.sql"] = "select 5", "select 1"
	folder := load(t, files)
	if _, err := b.apply(files); err == nil {
		t.Fatal("4 was applied")
	}
	refuse := func(code fault.Code, words string, run executor.Run) {
		t.Helper()
		if _, err := b.Undo(t.Context(), run); fault.CodeOf(err) != code || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %s", err, words)
		}
	}
	refuse(fault.Unsupported, "1_a.up.sql: version 1 has no text that undoes it", executor.Run{Migrations: folder[:3]})
	refuse(fault.Conflict, "version 4 is partly applied (1 statements are done), so it can't be undone", executor.Run{Migrations: folder[1:4]})
	refuse(fault.Conflict, "version 5 is not applied here", executor.Run{Migrations: folder[4:]})
	refuse(fault.OutOfOrder, "version 3 was applied after version 2", executor.Run{Migrations: folder[1:2], Folder: folder[:3]})
	edited := load(t, map[string]string{"2_b.up.sql": "select 2", "2_b.down.sql": "select 1"})
	refuse(fault.ChangedAfterApply, "version 2 was applied with another text", executor.Run{Migrations: edited})
	if err := b.Skip(t.Context(), executor.Mark{Migrations: folder[4:], Actor: "ann", Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	refuse(fault.Conflict, "version 5 is recorded as skipped", executor.Run{Migrations: folder[4:]})
	b.want("select n from a", "101")
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: folder[1:2], Folder: folder, OutOfOrder: true}); err != nil {
		t.Error(err)
	}
	b.want("select n from a", "111")
}

func TestAFailedUndoLeavesThingsAsTheyWere(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_a.up.sql": "create table a()", "1_a.down.sql": "drop table a;\n\nselect 1/0;",
		"2_b.up.sql": "create table b(n int)", "2_b.down.sql": "create unique index concurrently on b((1));",
	}
	b.mustApply(files)
	_, err := b.undo(files, "1")
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Path != "1_a.down.sql" || failure.Line != 3 || failure.Statement != 2 {
		t.Fatalf("error %v", err)
	}
	b.exec("insert into b values (1), (1)")
	if _, err := b.undo(files, "2"); !errors.As(err, &failure) || failure.SQLState != "23505" {
		t.Fatalf("error %v", err)
	}
	b.want("select to_regclass('a') is null", "false")
	b.want("select string_agg(state, ',') from shipsql.migrations", "applied,applied")
	b.want("select count(*) from shipsql.steps", "0")
}

func TestABaselineIsUndoneAndSkippingReplacesIt(t *testing.T) {
	b := newBench(t)
	b.exec("create table a()")
	migrations := load(t, map[string]string{"1_a.up.sql": "create table a()", "1_a.down.sql": "drop table a"})
	if err := b.Baseline(t.Context(), executor.Mark{Migrations: migrations}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: migrations}); err != nil {
		t.Fatal(err)
	}
	b.want("select to_regclass('a') is null", "true")
	if err := b.Skip(t.Context(), executor.Mark{Migrations: migrations, Reason: "not here"}); err != nil {
		t.Fatal(err)
	}
	b.want("select state from shipsql.migrations", "skipped")
}

func TestAnUndoThatStoppedGoesOn(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_a.up.sql":   "create table a(n int)",
		"1_a.down.sql": "-- shipsql: transaction=off\ninsert into a values (1);\nselect 1/0;\ninsert into a values (2)",
	}
	b.mustApply(files)
	if _, err := b.undo(files, "1"); err == nil {
		t.Fatal("no error")
	}
	if got, want := b.states(files), "1 partial 0/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	if _, err := b.apply(files); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "partly undone") {
		t.Errorf("applying what is half undone: %v", err)
	}
	files["1_a.down.sql"] = strings.Replace(files["1_a.down.sql"], "1/0", "1", 1)
	if _, err := b.undo(files, "1"); err != nil {
		t.Fatal(err)
	}
	b.want("select n from a order by n", "1\n2")
	b.want("select state from shipsql.migrations", "undone")
}

func TestAnAmbiguousUndoIsResolved(t *testing.T) {
	files := map[string]string{
		"1_a.up.sql":   "create table a(n int); create procedure p() language plpgsql as $$ begin insert into a values (1); commit; perform 1/0; end $$",
		"1_a.down.sql": "-- shipsql: transaction=off\ncall p()",
	}
	for answer, state := range map[executor.Answer]string{executor.ResolvedApplied: "partial", executor.ResolvedRetry: "applied"} {
		t.Run(string(answer), func(t *testing.T) {
			b := newBench(t)
			b.mustApply(files)
			for range 2 {
				_, err := b.undo(files, "1")
				var ambiguous *executor.AmbiguousError
				if !errors.As(err, &ambiguous) || ambiguous.Step() != "1#1" || ambiguous.Path != "1_a.down.sql" || ambiguous.Line != 2 {
					t.Fatalf("error %v", err)
				}
			}
			if err := b.Resolve(t.Context(), executor.Resolution{Version: "1", N: 1, Answer: answer}, executor.Mark{}); err != nil {
				t.Fatal(err)
			}
			b.want("select state from shipsql.migrations", state)
			b.exec("create or replace procedure p() language sql as 'insert into a values (1)'")
			if _, err := b.undo(files, "1"); err != nil {
				t.Fatal(err)
			}
			b.want("select count(*) from a", map[executor.Answer]string{executor.ResolvedApplied: "1", executor.ResolvedRetry: "2"}[answer])
			b.want("select state from shipsql.migrations", "undone")
		})
	}
}

// TestCutUndos cuts the wire at each write of an undo and of what applies it
// again, in turn.
func TestCutUndos(t *testing.T) {
	b := newBench(t)
	proxy, through := b.behindProxy()
	files := reversible()
	files["3_c.up.sql"] = mixedUp
	folder := load(t, files)
	round := func() error {
		run := executor.Run{Migrations: folder, Limits: executor.Limits{LockRetryFor: time.Minute}}
		if err := untilReached(t, func() error { _, err := openTarget(through).Undo(t.Context(), undoOf(run)); return err }); err != nil {
			return err
		}
		return untilReached(t, func() error { _, err := openTarget(through).Apply(t.Context(), run); return err })
	}
	b.mustApply(files)
	proxy.Arm(nil)
	if err := round(); err != nil {
		t.Fatal(err)
	}
	writes, cuts, rounds := proxy.Chunks()-2, 0, 1
	step := max(1, writes*3/(30*torture(t)))
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After} {
		for n := 1 + int(when)%step; n <= writes; n += step {
			proxy.Arm(&faultproxy.Cut{When: when, Match: func(chunk int, _ []byte) bool { return chunk == n }})
			if err := round(); err != nil {
				t.Fatalf("cut %d at %d: %v", when, n, err)
			}
			cuts, rounds = cuts+1, rounds+1
			// Version 2 adds 1 and undone 10, version 3 adds 100·4 and undone 111,000.
			b.want("select n - 401 from a", fmt.Sprint(rounds*(401+10+111000)))
			b.want("select count(*) from shipsql.steps where state <> 'done' or kind = 'undo'", "0")
			if got, want := b.states(files), "1 applied 2/2\n2 applied 1/1\n3 applied 9/9"; got != want {
				t.Fatalf("cut %d at %d: status %q, want %q", when, n, got, want)
			}
		}
	}
	t.Logf("%d cuts over %d writes", cuts, writes)
}

// mixedUp is a file of blocks, stretches and steps; it adds 400.
const mixedUp = `begin; update a set n = n + 100; commit;
create index concurrently a_n on a(n);
begin; update a set n = n + 100; update a set n = n + 100; commit;
update a set n = n + 100;`

func undoOf(run executor.Run) executor.Run {
	run.Migrations = run.Migrations[1:]
	return run
}

// untilReached calls again while the answer is that this is safe.
func untilReached(t *testing.T, call func() error) error {
	t.Helper()
	for attempt := 0; ; attempt++ {
		if err := call(); fault.CodeOf(err) != fault.Unreachable || attempt == 3 {
			return err
		}
	}
}
