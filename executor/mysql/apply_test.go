package mysql_test

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
		t.Fatal(explain(err))
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
	b.want("select version, state, `release`, actor, tool_version, finished_at > started_at from shipsql_migrations order by version + 0",
		"1|applied|01R|ann|v1|1\n9|applied|01R|ann|v1|1\n10|applied|01R|ann|v1|1")
	b.want("select version, n, state, predicted is null from shipsql_steps order by version + 0, n", "1|1|done|1\n1|2|done|1\n9|1|done|1\n10|1|done|1\n10|2|done|1")
	b.want("select format, epoch, holder from shipsql_meta", "1|1|shipsql/cli/1")

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

func TestAFailingStatementIsNamedAndTheRestGoesOnFromThere(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_ok.sql":  "create table ok(id int)",
		"2_bad.sql": "create table stays(id int);\n\ninsert into stays\n  values (nothing);\ncreate table later(id int);",
		"3_no.sql":  "create table never(id int)",
	}
	result, err := b.apply(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want a Failure", err)
	}
	want := &executor.Failure{
		Version: "2", Path: "2_bad.sql", Statement: 2, Line: 3, SQLState: "42S22",
		Message: "Unknown column 'nothing' in 'VALUES' (error 1054)", Code: fault.SQLError,
	}
	if diff := cmp.Diff(want, failure, cmpopts.IgnoreFields(executor.Failure{}, "Err")); diff != "" {
		t.Error(diff)
	}
	if len(result.Outcomes) != 1 {
		t.Errorf("result %+v, want what was done before", result)
	}
	b.wantTable("later", false)
	if got, want := b.states(files), "1 applied 1/1\n2 partial 1/3\n3 pending 0/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	if err := b.Skip(t.Context(), executor.Mark{Migrations: load(t, files)[1:2]}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("skipping a partly applied file: %v", err)
	}

	good := files["2_bad.sql"]
	files["2_bad.sql"] = strings.Replace(good, "stays(id int)", "stays(id bigint)", 1)
	if _, err := b.apply(files); fault.CodeOf(err) != fault.ChangedAfterApply || !errors.As(err, &failure) || failure.Statement != 1 ||
		failure.Detail != "-create table stays(id int)\n+create table stays(id bigint)" {
		t.Errorf("an edited prefix: %v, %q", err, failure.Detail)
	}
	files["2_bad.sql"] = "create table stays(id int)"
	b.mustApply(files) // the rest was taken out
	b.wantTable("never", true)
	if got, want := b.states(files), "1 applied 1/1\n2 applied 1/1\n3 applied 1/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
}

func TestAFailedOnlyStatementLeavesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"rows": "insert into a values (2), (1)", "schema": "alter table a add unique index (n)", "view": "create view v as select nothing from a",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.exec("create table a(id int primary key, n int); insert into a values (1, 1), (5, 1)")
			if _, err := b.apply(map[string]string{"1_i.sql": text}); fault.CodeOf(err) != fault.SQLError {
				t.Fatal(err)
			}
			b.want("select count(*) from shipsql_migrations", "0")
			b.want("select count(*) from shipsql_steps", "0")
			b.want("select count(*) from a", "2")
			b.mustApply(map[string]string{"1_i.sql": "alter table a add index (n)"})
		})
	}
}

func TestEditedAfterApply(t *testing.T) {
	b := newBench(t)
	b.mustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	edited := map[string]string{"1_a.sql": "create table a(id int)", "2_b.sql": "create table b(n int)"}
	_, err := b.apply(edited)
	if fault.CodeOf(err) != fault.ChangedAfterApply || !strings.Contains(err.Error(), "1_a.sql") {
		t.Fatalf("error %v", err)
	}
	b.wantTable("b", false) // a stop comes before anything ran
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
}

func TestOutOfOrder(t *testing.T) {
	b := newBench(t)
	b.mustApply(map[string]string{"2_b.sql": "create table b(n int)"})
	late := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	if _, err := b.apply(late); fault.CodeOf(err) != fault.OutOfOrder {
		t.Fatalf("error %v", err)
	}
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, late), OutOfOrder: true}); err != nil {
		t.Fatal(err)
	}
	b.wantTable("a", true)
}

func TestSkippedMigrationsAreRecordedAndNeverRun(t *testing.T) {
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)", "5_e.sql": "create table e(n int)"})
	mark := func(i int) executor.Mark {
		return executor.Mark{Actor: "ann", Reason: "breaks prod", Migrations: migrations[i : i+1]}
	}
	run := executor.Run{Migrations: migrations[:2], Skip: map[string]executor.Mark{"1": mark(0), "5": mark(2)}, Actor: "ann"}
	for range 2 {
		if _, err := b.Apply(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	b.want("select version, state, note from shipsql_migrations order by 1", "1|skipped|skipped by ann: breaks prod\n2|applied|\n5|skipped|skipped by ann: breaks prod")
	b.wantTable("a", false)
	b.wantTable("e", false)
}

func TestFolder(t *testing.T) {
	files := map[string]string{
		"1_a.sql": "create table a(n int); insert into a values (1)", "2_b.sql": "update a set n = n + 1;",
		"3_c.sql": "update a set n = n * 10; update fuse set n = 1", "4_d.sql": "update a set n = n + 5",
	}
	folder := load(t, files)
	run := executor.Run{Migrations: folder[3:], Folder: folder}
	t.Run("an empty database is brought up, also after an interruption", func(t *testing.T) {
		b := newBench(t)
		var failure *executor.Failure
		if _, err := b.Apply(t.Context(), run); !errors.As(err, &failure) || failure.Version != "3" {
			t.Fatalf("error %v, want a failure of 3", err)
		}
		b.exec("create table fuse(n int)")
		result, err := b.Apply(t.Context(), run)
		if err != nil || len(result.Outcomes) != 2 {
			t.Fatalf("%+v, %v", result, err)
		}
		b.want("select n from a", "25")
	})
	t.Run("a database with tables wants a baseline", func(t *testing.T) {
		b := newBench(t)
		b.exec("create table a(n int); insert into a values (7)")
		_, err := b.Apply(t.Context(), run)
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "shipsql migrate baseline --to 3") {
			t.Fatalf("error %v", err)
		}
		if err := b.Baseline(t.Context(), executor.Mark{Migrations: folder[:3], Actor: "ann"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Apply(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		b.want("select n from a", "12")
	})
}

func TestMarks(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	b.mustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	mark := executor.Mark{Migrations: load(t, files), Actor: "ann", Reason: "by hand"}
	if err := b.Skip(t.Context(), mark); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "applied") {
		t.Errorf("skipping an applied one: %v", err)
	}
	if err := b.Baseline(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	b.want("select version, state, note from shipsql_migrations order by 1", "1|applied|\n2|baseline|baseline by ann: by hand")
}

func TestStatusReadsAnywhere(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a(n int)"}
	if got := b.states(files); got != "1 pending 0/1" {
		t.Errorf("without a ledger: %q", got)
	}
	b.wantTable("shipsql_meta", false)
	b.mustApply(files)
	if got := b.states(nil); got != "1 missing 1/0" && got != "1 missing 0/0" {
		t.Errorf("without the file: %q", got)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	var names []string
	err := b.Target.(executor.Reader).Query(t.Context(), executor.Query{SQL: "select version, started_at from shipsql_migrations where version = ?", Args: []any{"1"}}, func(scan func(...any) error) error {
		var name, at string
		err := scan(&name, &at)
		names = append(names, name)
		return err
	})
	if err != nil || !cmp.Equal(names, []string{"1"}) {
		t.Errorf("%v, %v", names, err)
	}
	if err := b.Target.(executor.Reader).Query(t.Context(), executor.Query{SQL: "delete from shipsql_migrations"}, nil); err == nil {
		t.Error("a reader wrote")
	}
}

func TestSettingsEndWithTheirFile(t *testing.T) {
	b := newBench(t)
	b.mustApply(map[string]string{
		"1_a.sql": "set sql_mode = 'ANSI_QUOTES', @x = 7, names latin1; set foreign_key_checks = 0, time_zone = '+05:00'; create temporary table x(n int); " +
			"create table \"ä\"(n int, m varchar(100)); insert into \"ä\" values (@x, @@sql_mode)",
		"2_b.sql": "create temporary table x(n int); create table b as select @x as x, @@foreign_key_checks as k, @@time_zone as z, @@character_set_client as c, @@sql_mode = @@global.sql_mode as m",
	})
	b.want("select x, k, z, c, m from b", "NULL|1|SYSTEM|utf8mb4|1")
	b.want("select count(*) from shipsql_steps where state = 'done'", "7")
}

func TestWrapperIsStrippedAndSaid(t *testing.T) {
	b := newBench(t)
	b.exec("create table a(n int)")
	result := b.mustApply(map[string]string{"1_a.sql": "-- old style\nBEGIN;\ninsert into a values (1);\ninsert into a values (2);\nCOMMIT;\n"})
	if len(result.Outcomes[0].Notes) != 1 || !strings.Contains(result.Outcomes[0].Notes[0], "BEGIN … COMMIT") {
		t.Errorf("notes %q", result.Outcomes[0].Notes)
	}
	b.want("select state from shipsql_migrations", "applied")
	b.want("select count(*) from a", "2")
}

func TestStillMineIsAskedBeforeEveryFile(t *testing.T) {
	b := newBench(t)
	lost := fault.New(fault.Conflict, "the job went to another worker")
	asked := 0
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}),
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
	b.want("select version from shipsql_migrations", "1")
}

func TestHistoriesAreApart(t *testing.T) {
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table if not exists counter(n int); insert into counter values (1)"})
	for _, history := range []string{"", "billing", "default", "billing"} {
		if _, err := b.Apply(t.Context(), executor.Run{Migrations: migrations, History: history}); err != nil {
			t.Fatal(err)
		}
	}
	b.want("select history from shipsql_migrations order by 1", "billing\ndefault")
	b.want("select count(*) from counter", "2")
}

func TestUndo(t *testing.T) {
	b := newBench(t)
	files := map[string]string{
		"1_a.sql": "create table a(n int); insert into a values (1)", "1_a.down.sql": "drop table a",
		"2_b.sql": "update a set n = 2", "2_b.down.sql": "update a set n = 1; alter table a comment 'undone'; update fuse set n = 1",
	}
	run := executor.Run{Migrations: load(t, files)}
	if _, err := b.Apply(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	var failure *executor.Failure
	if _, err := b.Undo(t.Context(), run); !errors.As(err, &failure) || failure.Statement != 3 || failure.Version != "2" {
		t.Fatalf("error %v", err)
	}
	b.exec("create table fuse(n int)")
	if _, err := b.Apply(t.Context(), run); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("applying what is half undone: %v", err)
	}
	result, err := b.Undo(t.Context(), run)
	if err != nil || result.Outcomes[0].Version != "2" || result.Outcomes[0].Kind != executor.Undone || len(result.Outcomes) != 2 {
		t.Fatalf("%+v, %v", result, explain(err))
	}
	b.wantTable("a", false)
	b.want("select version, state from shipsql_migrations order by 1", "1|undone\n2|undone")
	b.want("select count(*) from shipsql_steps", "0")
	if _, err := b.Apply(t.Context(), run); err != nil {
		t.Fatal(explain(err))
	}
	b.want("select n from a", "2")
}
