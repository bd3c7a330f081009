package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestApplyRunsEachFileOnceInOrder(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_a.sql":  "create table a(id int primary key); insert into a values (1);",
		"10_c.sql": "insert into a select max(id) + 1 from a;\ninsert into a select max(id) + 1 from a",
		"9_b.sql":  "update a set id = id + 10",
	}
	var events []string
	run := executor.Run{
		Migrations: load(t, files), Release: "01R", Actor: "ann", ToolVersion: "v1",
		Progress: func(e executor.Event) { events = append(events, e.Version+" "+string(e.State)) },
	}
	got, err := b.Apply(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	want := executor.Result{Outcomes: []executor.Outcome{
		{Version: "1", Path: "1_a.sql", Kind: executor.Applied, Statements: 2},
		{Version: "9", Path: "9_b.sql", Kind: executor.Applied, Statements: 1},
		{Version: "10", Path: "10_c.sql", Kind: executor.Applied, Statements: 2},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(executor.Outcome{}, "Duration")); diff != "" {
		t.Error(diff)
	}
	if want := "1 running 1 done 1 running 1 done 1 applied 9 running 9 done 9 applied 10 running 10 done 10 running 10 done 10 applied"; strings.Join(events, " ") != want {
		t.Errorf("events: %v", events)
	}
	b.want("select id from a order by 1", "11\n12\n13")
	b.want("select version, state, release, actor, tool_version, finished_at > started_at from shipsql.migrations order by version::int",
		"1|applied|01R|ann|v1|true\n9|applied|01R|ann|v1|true\n10|applied|01R|ann|v1|true")
	b.want("select format, epoch from shipsql.meta", "1|1")

	again := b.mustApply(files)
	for _, o := range again.Outcomes {
		if o.Kind != executor.AlreadyApplied {
			t.Errorf("second run: %+v", o)
		}
	}
	b.want("select count(*) from a", "3")
	if got, want := b.states(files), "1 applied 2/2\n9 applied 1/1\n10 applied 2/2"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
}

func TestAFailingStatementLeavesNothingAndIsNamed(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_ok.sql":  "create table ok()",
		"2_bad.sql": "create table left_over();\n\nselect 'é',\n  nothing;\ncreate table never();",
		"3_no.sql":  "create table never()",
	}
	result, err := b.apply(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want a Failure", err)
	}
	want := &executor.Failure{
		Version: "2", Path: "2_bad.sql", Statement: 2, Line: 4, SQLState: "42703",
		Message: `column "nothing" does not exist`, Code: fault.SQLError,
	}
	if diff := cmp.Diff(want, failure, cmpopts.IgnoreFields(executor.Failure{}, "Err")); diff != "" {
		t.Error(diff)
	}
	if got, want := err.Error(), `2_bad.sql:4: statement 2: column "nothing" does not exist (SQLSTATE 42703)`; got != want {
		t.Errorf("Error() = %q", got)
	}
	if len(result.Outcomes) != 1 {
		t.Errorf("result %+v, want what was done before", result)
	}
	b.want("select relname from pg_class where relnamespace = 'public'::regnamespace", "ok")
	if got, want := b.states(files), "1 applied 1/1\n2 pending 0/3\n3 pending 0/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	files["2_bad.sql"] = "create table fixed()"
	b.mustApply(files)
}

func TestAnErrorAtCommitIsAFailure(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_a.sql": "create table a(id int primary key); create table c(id int references a deferrable initially deferred);",
		"2_b.sql": "insert into c values (1)",
	}
	_, err := b.apply(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "23503" || failure.Statement != 0 {
		t.Fatalf("error %v", err)
	}
	b.want("select version from shipsql.migrations", "1")
}

func TestEditedAfterApply(t *testing.T) {
	b := newBench(t)
	b.mustApply(map[string]string{"1_a.sql": "create table a()"})
	edited := map[string]string{"1_a.sql": "create table a(id int)", "2_b.sql": "create table b()"}
	_, err := b.apply(edited)
	if fault.CodeOf(err) != fault.ChangedAfterApply || !strings.Contains(err.Error(), "1_a.sql") {
		t.Fatalf("error %v", err)
	}
	b.want("select to_regclass('b') is null", "true") // a stop comes before anything ran
	if got, want := b.states(edited), "1 changed 1/1\n2 pending 0/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}

	migrations := load(t, edited)
	run := executor.Run{Migrations: migrations, Accept: map[string]string{"1": migrations[0].Checksum}}
	result, err := b.Apply(t.Context(), run)
	if err != nil || result.Outcomes[0].Kind != executor.AlreadyApplied || len(result.Outcomes[0].Notes) == 0 {
		t.Fatalf("accepted: %+v, %v", result, err)
	}
	b.mustApply(edited) // the ledger remembers that it was accepted
	if got, want := b.states(edited), "1 applied 1/1\n2 applied 1/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	b.want("select count(*) from pg_attribute where attrelid = 'a'::regclass and attnum > 0", "0")
	edited["1_a.sql"] = "create table a(id bigint)"
	if _, err := b.apply(edited); fault.CodeOf(err) != fault.ChangedAfterApply {
		t.Errorf("a further edit: %v", err)
	}
}

func TestOutOfOrder(t *testing.T) {
	b := newBench(t)
	b.mustApply(map[string]string{"2_b.sql": "create table b()"})
	late := map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}
	if _, err := b.apply(late); fault.CodeOf(err) != fault.OutOfOrder {
		t.Fatalf("error %v", err)
	}
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, late), OutOfOrder: true}); err != nil {
		t.Fatal(err)
	}
	b.want("select to_regclass('a') is null", "false")
}

func TestSkippedMigrationsAreRecordedAndNeverRun(t *testing.T) {
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()", "5_e.sql": "create table e()"})
	mark := func(i int) executor.Mark {
		return executor.Mark{Actor: "ann", Reason: "breaks prod", Migrations: migrations[i : i+1]}
	}
	run := executor.Run{Migrations: migrations[:2], Skip: map[string]executor.Mark{"1": mark(0), "5": mark(2)}, Actor: "ann"}
	for range 2 {
		result, err := b.Apply(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]executor.OutcomeKind{}
		for _, o := range result.Outcomes {
			kinds[o.Version] = o.Kind
		}
		if kinds["1"] != executor.Skipped {
			t.Errorf("outcomes %+v", result.Outcomes)
		}
	}
	b.want("select version, state, note from shipsql.migrations order by 1", "1|skipped|skipped by ann: breaks prod\n2|applied|\n5|skipped|skipped by ann: breaks prod")
	b.want("select to_regclass('a') is null and to_regclass('e') is null", "true")
	// A skipped version is no reason to call others late.
	if _, err := b.apply(map[string]string{"3_c.sql": "create table c()"}); err != nil {
		t.Error(err)
	}
}

func TestFolder(t *testing.T) {
	files := map[string]string{
		"1_a.sql": "create table a(n int); insert into a values (1)", "2_b.sql": "update a set n = n + 1;",
		"3_c.sql": "update a set n = n * 10; select 1/(select count(*) from fuse)", "4_d.sql": "update a set n = n + 5",
	}
	folder := load(t, files)
	run := executor.Run{Migrations: folder[3:], Folder: folder}
	t.Run("an empty database is brought up, also after an interruption", func(t *testing.T) {
		b := newBench(t)
		var failure *executor.Failure
		if _, err := b.Apply(t.Context(), run); !errors.As(err, &failure) || failure.Version != "3" {
			t.Fatalf("error %v, want a failure of 3", err)
		}
		b.exec("create table fuse as select 1")
		result, err := b.Apply(t.Context(), run)
		if err != nil || len(result.Outcomes) != 2 {
			t.Fatalf("%+v, %v", result, err)
		}
		b.want("select n from a", "25")
		// Bringing up is over: a hole is a hole again.
		b.exec("delete from shipsql.migrations where version = '2'")
		later := load(t, map[string]string{"5_e.sql": "create table e()"})
		_, err = b.Apply(t.Context(), executor.Run{Migrations: later, Folder: append(folder, later...)})
		if fault.CodeOf(err) != fault.Conflict {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a database with tables wants a baseline", func(t *testing.T) {
		b := newBench(t)
		b.exec("create table a(n int); insert into a values (7)")
		_, err := b.Apply(t.Context(), run)
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "shipsql migrate baseline --to 3") || !strings.Contains(err.Error(), "1_a.sql") {
			t.Fatalf("error %v", err)
		}
		if err := b.Baseline(t.Context(), executor.Mark{Migrations: folder[:3], Actor: "ann"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Apply(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		b.want("select n from a", "12")
		if got, want := b.states(files), "1 baseline 0/2\n2 baseline 0/1\n3 baseline 0/2\n4 applied 1/1"; got != want {
			t.Errorf("status %q, want %q", got, want)
		}
	})
	t.Run("the command line needs none", func(t *testing.T) {
		b := newBench(t)
		b.exec("create table a(n int); insert into a values (7)")
		if _, err := b.Apply(t.Context(), executor.Run{Migrations: folder[3:]}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSettingsEndWithTheirFile(t *testing.T) {
	b := newBench(t)
	b.exec("create role other_role; grant all on schema public to other_role")
	t.Cleanup(func() {
		if _, err := b.conn.Exec(context.Background(), "drop owned by other_role; drop role other_role"); err != nil {
			t.Error(err)
		}
	})
	b.mustApply(map[string]string{
		"1_a.sql": "set search_path = pg_catalog; set role other_role; create temp table x(); prepare p as select 1; create table public.a as select current_user::text as who",
		"2_b.sql": "create temp table x(); prepare p as select 1; create table b as select current_user::text as who",
	})
	b.want("select who from public.a", "other_role")
	b.want("select who from public.b", "postgres")
}

func TestWrapperIsStrippedAndSaid(t *testing.T) {
	b := newBench(t)
	result := b.mustApply(map[string]string{"1_a.sql": "-- old style\nBEGIN;\ncreate table a();\nsavepoint s; rollback to s;\nCOMMIT;\n"})
	if len(result.Outcomes[0].Notes) != 1 || !strings.Contains(result.Outcomes[0].Notes[0], "BEGIN … COMMIT") {
		t.Errorf("notes %q", result.Outcomes[0].Notes)
	}
	b.want("select state from shipsql.migrations", "applied")
}

func TestStillMineIsAskedBeforeEveryFile(t *testing.T) {
	b := newBench(t)
	lost := fault.New(fault.Conflict, "the job went to another worker")
	asked := 0
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}),
		StillMine: func(context.Context) error {
			if asked++; asked == 3 { // after the lock, before 1, before 2
				return lost
			}
			return nil
		},
	}
	if _, err := b.Apply(t.Context(), run); !errors.Is(err, lost) {
		t.Fatalf("error %v", err)
	}
	b.want("select version from shipsql.migrations", "1")
}

func TestHistoriesAreApart(t *testing.T) {
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table if not exists a(); alter table a add column if not exists n int; create table if not exists counter(n int); insert into counter values (1)"})
	for _, history := range []string{"", "billing", "default", "billing"} {
		if _, err := b.Apply(t.Context(), executor.Run{Migrations: migrations, History: history}); err != nil {
			t.Fatal(err)
		}
	}
	b.want("select history from shipsql.migrations order by 1", "billing\ndefault")
	b.want("select count(*) from counter", "2")
}
