package mysql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestRowsShareTheirTransactionOnlyWhereOneCoversThem(t *testing.T) {
	b := newBench(t)
	b.Exec("create table a(n int); create table isam(n int) engine=MyISAM; create view v as select n from a")
	b.MustApply(map[string]string{"1_a.sql": "insert into a values (1); insert into a values (2); insert into isam values (1); insert into v values (3); insert into a select n from isam"})
	b.Want("select n, pre like '{\"rows\":true%' from shipsql_steps order by n", "1|1\n2|1\n3|0\n4|0\n5|1")
	b.Exec("drop table isam")
	b.MustApply(map[string]string{"2_a.sql": "insert into v values (4)"})
	b.Want("select n, pre like '{\"rows\":true%' from shipsql_steps where version = '2'", "1|1")
}

// A group fails as a whole: nothing of it is left, and it can be corrected.
func TestAGroupOfRowsIsAllOrNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, e enginetest.Engine) { allOrNothing(t, &bench{e.NewBench(t), t}) })
}

func allOrNothing(t *testing.T, b *bench) {
	t.Helper()
	files := map[string]string{"1_a.sql": "create table a(n int primary key); insert into a values (1); set @x = 2; insert into a values (@x); insert into a values (1); create table b(n int)"}
	_, err := b.ApplyFiles(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 5 {
		t.Fatalf("error %v", err)
	}
	b.Want("select count(*) from a", "0")
	b.Want("select n, state from shipsql_steps", "1|done")
	files["1_a.sql"] = strings.Replace(files["1_a.sql"], "values (1); create", "values (3); create", 1)
	b.MustApply(files)
	b.Want("select group_concat(n order by n) from a", "1,2,3")
}

// A step that is seen to run was committed by something in its transaction: only a
// person can say what else was.
func TestAStepThatIsSeenRunningAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)")
	files := map[string]string{"1_a.sql": "insert into a values (1); insert into a values (2)"}
	b.MustApply(files)
	b.Exec("update shipsql_steps set state = 'running' where n = 2; update shipsql_migrations set state = 'partial', finished_at = null")
	_, err := b.ApplyFiles(files)
	if fault.CodeOf(err) != fault.Ambiguous || !strings.Contains(err.Error(), "committed implicitly") {
		t.Errorf("error %v", err)
	}
	b.Want("select count(*) from a", "2")
}

// What a file sets is not in the ledger's way.
func TestSettingsThatTheLedgerMustNotMind(t *testing.T) {
	t.Parallel()
	for _, set := range []string{
		"set names latin1", "set character_set_client = latin1", "set character_set_connection = latin1", "set character_set_results = utf16",
		"set sql_safe_updates = 1", "set sql_select_limit = 0", "set sql_mode = 'ORACLE'", "set collation_connection = latin1_german1_ci",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec("create table a(n int)")
			migrations := load(t, map[string]string{"1_größe.sql": set + "; insert into a values (1); create table b(n int); insert into a values (2);" + set})
			migrations[0].Version, migrations[0].Kind = "R__größe", executor.Repeatable
			for _, want := range []executor.OutcomeKind{executor.Applied, executor.AlreadyApplied} {
				result, err := b.Apply(t.Context(), executor.Run{Migrations: migrations, Limits: quick})
				if err != nil || result.Outcomes[0].Kind != want {
					t.Fatalf("%+v, %v, want %s", result, err, want)
				}
			}
			b.Want("select version, name, state from shipsql_migrations", "R__größe|größe|applied")
			b.Want("select group_concat(n order by n) from a", "1,2")
		})
	}
}

// A temporary table went with the session that was interrupted: what was meant for
// it must not reach the table that stays.
func TestATemporaryTableIsLostWithItsSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, rest, says string }{
		"named again":    {"create temporary table a(n int)", "insert into a values (7)", "needs the temporary table a"},
		"not needed":     {"create temporary table a(n int)", "insert into b values (7)", ""},
		"dropped before": {"create temporary table a(n int); drop temporary table a", "insert into b select n from a", ""},
		"made anew":      {"create temporary table a(n int)", "create temporary table a(n int); insert into a values (7)", ""},
		"read":           {"create temporary table a(n int)", "insert into b select n from a", "needs the temporary table a"},
		"altered":        {"create temporary table a(n int)", "alter table a add column m int", "needs the temporary table a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec("create table a(n int)", "create table b(n int)")
			_, err := b.ApplyFiles(map[string]string{"1_x.sql": c.first + "; create table c(n int); insert into fuse values (1); " + c.rest})
			if fault.CodeOf(err) != fault.SQLError {
				t.Fatal(err)
			}
			_, err = b.ApplyFiles(map[string]string{"1_x.sql": c.first + "; create table c(n int); " + c.rest})
			if c.says == "" && err != nil || c.says != "" && !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
			b.Want("select count(*) from a", "0")
			b.Want("select count(*) from information_schema.columns where table_schema = database() and table_name = 'a'", "1")
		})
	}
}

// An undo that was killed before its first statement, and then failed at it, leaves
// a baseline what it was.
func TestABaselineStaysOneWhenItsUndoFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.up.sql": "create table a(n int)", "1_a.down.sql": "insert into nowhere values (1)"})
	if err := b.Baseline(t.Context(), executor.Mark{Migrations: migrations}); err != nil {
		t.Fatal(err)
	}
	b.Exec(`insert into shipsql_steps (history, kind, version, n, stmt_hash, state, pre) values ('default', 'undo', '1', 1, '', 'intent', '{"rows":true}')`,
		"update shipsql_migrations set state = 'partial'")
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: migrations}); fault.CodeOf(err) != fault.SQLError {
		t.Fatal(err)
	}
	b.Want("select state from shipsql_migrations", "baseline")
}

// A statement that the server refused, and that did something all the same, is
// not called undone.
func TestARefusedStatementThatLeftSomething(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)", "create procedure p() begin insert into a values (1); insert into missing values (1); end", "create table isam(n int primary key) engine=MyISAM")
	for n, text := range []string{"drop table a, never_there", "call p()", "insert into isam values (1), (2), (1)"} {
		b.Exec("create table if not exists a(n int)")
		version := fmt.Sprint(n + 1)
		_, err := b.ApplyFiles(map[string]string{version + "_a.sql": text})
		var ambiguous *executor.AmbiguousError
		if text == "call p()" && fault.CodeOf(err) == fault.SQLError {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !errors.As(err, &ambiguous) || !strings.Contains(ambiguous.Evidence, "answered") {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err := b.Resolve(t.Context(), executor.Resolution{Version: version, N: 1, Answer: executor.ResolvedApplied}, executor.Mark{Actor: "ann"}); err != nil {
			t.Fatal(err)
		}
		b.MustApply(map[string]string{version + "_a.sql": text})
	}
}

// An interrupted run can't give the rest of its file what only its session knew.
func TestWhatWasLostWithTheSession(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"set @id = (select 7); insert into a values (1); insert into nowhere values (@id)":                     "needs @id",
		"insert into g(n) values (5); create table made(n int); insert into nowhere values (last_insert_id())": "needs last_insert_id()",
		"set @id = 7; create table made(n int); insert into nowhere values (@id)":                              "",
	} {
		b := newBench(t)
		b.Exec("create table a(n int)", "create table g(id int auto_increment primary key, n int)")
		files := map[string]string{"1_a.sql": strings.Replace(text, "insert into a values (1)", "create table made(n int)", 1)}
		if _, err := b.ApplyFiles(files); fault.CodeOf(err) != fault.SQLError {
			t.Fatalf("%s: %v", text, err)
		}
		b.Exec("create table nowhere(n int)")
		_, err := b.ApplyFiles(files)
		if says == "" {
			if err != nil {
				t.Errorf("%s: %v", text, explain(err))
			}
			b.Want("select n from nowhere", "7")
			continue
		}
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
		b.Want("select count(*) from nowhere", "0")
	}
}

func TestOnlineAssert(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, e enginetest.Engine) { onlineAssert(t, &bench{e.NewBench(t), t}) })
}

func onlineAssert(t *testing.T, b *bench) {
	t.Helper()
	b.Exec("create table a(id int primary key, n int, what varchar(20))")
	run := func(text string) error {
		limits := executor.Limits{Online: "assert"}
		if strings.HasPrefix(text, "--") {
			limits = executor.Limits{}
		}
		_, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text}), Limits: limits})
		b.Exec("delete from shipsql_steps", "delete from shipsql_migrations")
		return err
	}
	for _, text := range []string{
		"alter table a add column x int", "create index what on a(what)", "alter table a add index (n), drop column x", "drop index what on a",
		"create table b(n int)", "update a set n = 1", "alter table a add column y int, algorithm=instant",
	} {
		if err := run(text); err != nil {
			t.Errorf("%s: %v", text, explain(err))
		}
	}
	for _, text := range []string{"alter table a modify n varchar(10)", "alter table a add column z int, algorithm=copy", "alter table a drop primary key", "drop index `primary` on a", "-- shipsql: online=assert\nalter table a modify n varchar(10)"} {
		err := run(text)
		if fault.CodeOf(err) != fault.Denied || !strings.Contains(err.Error(), "online=assert") {
			t.Errorf("%s: %v", text, explain(err))
		}
	}
	b.Want("select data_type from information_schema.columns where table_schema = database() and table_name = 'a' and column_name = 'n'", "int")
}

// What calls a function that somebody made is not run twice on a guess.
func TestFunctionsMayDoAnything(t *testing.T) {
	b := newBench(t)
	b.Exec("create table a(n int)", "create table b(n int)")
	b.MustApply(map[string]string{"1_a.sql": "create function f() returns int begin insert into a values (1); return 1; end;\nselect f();\n" +
		"select `F`() into @x;\nselect count(*) from a;\ninsert into b select f();"})
	b.Want("select n, pre is null, pre like '{\"rows\":true%' from shipsql_steps order by n", "1|0|0\n2|0|0\n3|0|0\n4|1|NULL\n5|0|1")
}

// A file whose rest was taken out may end at once, unless that rest is in doubt.
func TestAShortenedFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)")
	files := map[string]string{"1_a.sql": "create table b(n int); insert into a values (1); insert into a values (2)"}
	b.MustApply(files)
	for pre, code := range map[string]fault.Code{`{"rows":true}`: "", `{"text":"call p()"}`: fault.ChangedAfterApply} {
		b.Exec("update shipsql_migrations set state = 'partial'", "delete from shipsql_steps where n > 1",
			"insert into shipsql_steps (history, kind, version, n, stmt_hash, state, pre) values ('default', 'versioned', '1', 2, 'x', 'intent', '"+pre+"')")
		_, err := b.ApplyFiles(map[string]string{"1_a.sql": "create table b(n int)"})
		if fault.CodeOf(err) != code {
			t.Errorf("%s: %v", pre, err)
		}
		if code == "" {
			b.Want("select count(*) from shipsql_steps", "1")
		}
	}
}
