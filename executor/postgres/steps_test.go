package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

const indexValid = "select count(*) from pg_index where indrelid = 'a'::regclass and indisvalid and indisready"

func TestWhatCannotRunInATransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_a.sql":      "create table a(id int, n int); insert into a select g, g from generate_series(1, 10) g",
		"2_mixed.sql":  "update a set n = n + 1;\nset search_path = public;\ncreate index concurrently a_n on a(n);\nupdate a set n = n + 1;\ncreate unique index concurrently on a(id) where n > 0;\ndrop index concurrently a_n;\nreindex table concurrently a;\nvacuum a",
		"3_vacuum.sql": "vacuum analyze a",
		"4_parts.sql":  "create table p(k int) partition by list(k); create table p1 partition of p for values in (1); create table p2 partition of p for values in (2)",
		"5_detach.sql": "alter table p detach partition p1 concurrently",
	}
	b.MustApply(files)
	b.Want("select sum(n) from a", "75")
	b.Want(indexValid, "1")
	b.Want("select count(*) from pg_inherits where inhparent = 'p'::regclass", "1")
	b.Want("select n, state from shipsql.steps where version = '2' order by n", "1|done\n2|done\n3|done\n4|done\n5|done\n6|done\n7|done\n8|done")
	b.Want("select string_agg(state, ',') from shipsql.migrations", "applied,applied,applied,applied,applied")
	b.MustApply(files)
	b.Want("select sum(n) from a", "75")
}

func TestAPartlyAppliedFileGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_a.sql": "create table a(n int); insert into a values (1), (1)",
		"2_b.sql": "create schema other; set search_path = other, public;\ncreate table here();\ncreate unique index concurrently a_n on a(n);\nupdate a set n = n * 10;",
	}
	_, err := b.ApplyFiles(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 4 || failure.Line != 3 || failure.SQLState != "23505" {
		t.Fatalf("error %v", err)
	}
	if got, want := b.States(files), "1 applied 2/2\n2 partial 3/5"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	b.Want("select count(*) from pg_index where indrelid = 'a'::regclass", "0") // nothing INVALID stays
	if err := b.Skip(t.Context(), executor.Mark{Migrations: load(t, files)[1:]}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("skipping a partly applied file: %v", err)
	}

	good := files["2_b.sql"]
	files["2_b.sql"] = strings.Replace(good, "create table here()", "create table there()", 1)
	if _, err := b.ApplyFiles(files); fault.CodeOf(err) != fault.ChangedAfterApply || !errors.As(err, &failure) || failure.Statement != 3 {
		t.Errorf("an edited prefix: %v", err)
	}
	files["2_b.sql"] = strings.Replace(good, "update", "create table after_it(); update", 1)
	files["2_b.sql"] = strings.Replace(files["2_b.sql"], "create unique index", "create index", 1)
	b.MustApply(files)
	b.Want("select n from a", "10\n10")
	b.Want("select relnamespace::regnamespace::text from pg_class where relname in ('here', 'after_it') order by relname", "other\nother")
	if got, want := b.States(files), "1 applied 2/2\n2 applied 6/6"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
}

func TestAFailedSingleIndexLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int); insert into a values (1), (1)")
	if _, err := b.ApplyFiles(map[string]string{"1_i.sql": "create unique index concurrently on a(n)"}); err == nil {
		t.Fatal("no error")
	}
	b.Want("select count(*) from pg_index where indrelid = 'a'::regclass", "0")
	b.Want("select count(*) from shipsql.migrations", "0")
	b.MustApply(map[string]string{"1_i.sql": "create index concurrently on a(n)"})
	b.Want(indexValid, "1")
}

func TestIfNotExistsIsNotTrusted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int); insert into a values (1), (1)")
	if _, err := b.DB.ExecContext(t.Context(), "create unique index concurrently a_n on a(n)"); err == nil {
		t.Fatal("the index was built")
	}
	files := map[string]string{"1_i.sql": "create index concurrently if not exists a_n on a(n)"}
	if _, err := b.ApplyFiles(files); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "INVALID") {
		t.Fatalf("error %v", err)
	}
	b.Exec("drop index a_n; create index a_n on a(n)")
	b.MustApply(files)
	b.Want("select state from shipsql.migrations", "applied")
}

func TestTransactionOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{"1_a.sql": `-- shipsql: transaction=off
create table a(n int);
create procedure fill() language plpgsql as $$ begin for i in 1..3 loop insert into a values (i); commit; end loop; end $$;
call fill();
insert into a values (4);
select 1/0;
`}
	_, err := b.ApplyFiles(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 5 || failure.Line != 6 {
		t.Fatalf("error %v", err)
	}
	if got, want := b.States(files), "1 partial 4/5"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	files["1_a.sql"] = strings.Replace(files["1_a.sql"], "1/0", "1", 1)
	b.MustApply(files)
	b.Want("select count(*) from a", "4")
}

// TestResumeAtIntent puts the database and the ledger in the state that a run
// leaves which is killed at the worst moment.
func TestResumeAtIntent(t *testing.T) {
	t.Parallel()
	const made = "create table a(n int, m int)"
	b := newBench(t)
	for name, c := range map[string]struct {
		file, found string // the file, and what the killed run left
		want        string // state of the migration
		check, is   string
	}{
		"index built":                      {"create index concurrently a_n on a(n)", "create index a_n on a(n)", "applied", indexValid, "1"},
		"index not begun":                  {"create index concurrently a_n on a(n)", "", "applied", indexValid, "1"},
		"index INVALID":                    {"create index concurrently a_n on a(n)", "create index a_n on a(n); update pg_index set indisvalid = false where indexrelid = 'a_n'::regclass", "applied", indexValid, "1"},
		"index INVALID, IF NOT EXISTS":     {"create index concurrently if not exists a_n on a(n)", "create index a_n on a(n); update pg_index set indisvalid = false where indexrelid = 'a_n'::regclass", "applied", indexValid, "1"},
		"unnamed index built":              {"create index concurrently on a(n) include (m)", "create index on a(n) include (m)", "applied", indexValid, "1"},
		"unnamed index INVALID":            {"create index concurrently on a(lower(n::text))", "create index on a(lower(n::text)); update pg_index set indisvalid = false where indrelid = 'a'::regclass", "applied", indexValid, "1"},
		"another index of that name":       {"create index concurrently a_n on a(n)", "create index a_n on a(m)", "ambiguous", indexValid, "1"},
		"index dropped":                    {"drop index concurrently old", "drop index old", "applied", "select to_regclass('old') is null", "true"},
		"index not dropped yet":            {"drop index concurrently old", "", "applied", "select to_regclass('old') is null", "true"},
		"remains of a rebuild":             {"reindex index concurrently old", "create index old_ccnew on b(n); update pg_index set indisvalid = false where indexrelid = 'old_ccnew'::regclass", "applied", "select to_regclass('old_ccnew') is null", "true"},
		"partition detached":               {"alter table p detach partition p1 concurrently", "alter table p detach partition p1", "applied", "select count(*) from pg_inherits", "0"},
		"partition still attached":         {"alter table p detach partition p1 concurrently", "", "applied", "select count(*) from pg_inherits", "0"},
		"partition pending":                {"alter table p detach partition p1 concurrently", "update pg_inherits set inhdetachpending = true", "applied", "select count(*) from pg_inherits", "0"},
		"vacuum":                           {"vacuum a", "", "applied", "select 1", "1"},
		"call":                             {"-- shipsql: transaction=off\ncall nothing()", "", "ambiguous", "select 1", "1"},
		"an ordinary statement, uncertain": {"-- shipsql: transaction=off\ndo 'begin end'", "", "ambiguous", "select 1", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			b.Exec("drop schema if exists shipsql cascade; drop schema public cascade; create schema public; " + made + "; create table b(n int); create index old on b(n); create table p(k int) partition by list(k); create table p1 partition of p for values in (1); create procedure nothing() language sql as ''")
			b.Exec("set allow_system_table_mods = on")
			files := map[string]string{"1_x.sql": c.file}
			b.killAtIntent(files)
			if c.found != "" {
				b.Exec(c.found)
			}
			_, err := b.ApplyFiles(files)
			if (fault.CodeOf(err) == fault.Ambiguous) != (c.want == "ambiguous") {
				t.Fatalf("error %v", err)
			}
			b.Want("select state from shipsql.migrations", c.want)
			b.Want(c.check, c.is)
		})
	}
}

// killAtIntent runs a file up to where its statement has been announced to the
// ledger, and not sent.
func (b *bench) killAtIntent(files map[string]string) {
	b.t.Helper()
	type killed struct{}
	func() {
		defer func() {
			if r := recover(); r != (killed{}) {
				b.t.Fatalf("never got to the statement: %v", r)
			}
		}()
		_, err := b.Apply(b.t.Context(), executor.Run{Migrations: load(b.t, files), Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				panic(killed{})
			}
		}})
		b.t.Fatalf("returned %v", err)
	}()
	b.Want("select state from shipsql.migrations", "partial")
	b.Want("select state from shipsql.steps", "intent")
}

func TestEditAtIntent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)")
	b.killAtIntent(map[string]string{"1_x.sql": "create index concurrently a_n on a(n)"})
	_, err := b.ApplyFiles(map[string]string{"1_x.sql": "create index concurrently a_m on a(n)"})
	if fault.CodeOf(err) != fault.ChangedAfterApply {
		t.Fatalf("error %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	type refusal struct {
		Code      fault.Code
		Statement int
		Line      int
	}
	for text, want := range map[string]refusal{
		"insert into a values (1);\ncommit;\ninsert into a values (2)": {fault.Denied, 2, 2},
		"begin;\nbegin;\ncommit":            {fault.Denied, 2, 2},
		"begin; commit; commit":             {fault.Denied, 3, 1},
		"begin; commit;\nstart transaction": {fault.Denied, 3, 2},
		"begin; rollback":                   {fault.Denied, 2, 1},
		"begin; commit and chain":           {fault.Denied, 2, 1},
		"begin read only; commit":           {fault.Denied, 1, 1},
		"rollback":                          {fault.Denied, 1, 1},
		"end":                               {fault.Denied, 1, 1},
		"abort":                             {fault.Denied, 1, 1},
		"prepare transaction 'x'":           {fault.Denied, 1, 1},
		"commit prepared 'x'":               {fault.Denied, 1, 1},
		"rollback prepared 'x'":             {fault.Denied, 1, 1},
		"select pg_advisory_unlock_all()":   {fault.Denied, 1, 1},
		"select 1 from (select pg_catalog.pg_advisory_unlock(1, 2)) x": {fault.Denied, 1, 1},
		"do $$ begin perform pg_advisory_unlock_all(); end $$":         {fault.Denied, 1, 1},
		"select u&\"pg_advisory_\\0075nlock\"(1)":                      {fault.Denied, 1, 1},
		"discard all":                                                           {fault.Denied, 1, 1},
		"set session authorization postgres":                                    {fault.Denied, 1, 1},
		"alter system set work_mem = '1MB'":                                     {fault.Denied, 1, 1},
		"set standard_conforming_strings = off":                                 {fault.Denied, 1, 1},
		"delete from shipsql.migrations":                                        {fault.Denied, 1, 1},
		"with x as (delete from \"shipsql\".steps returning 1) select * from x": {fault.Denied, 1, 1},
		"update u&\"\\0073hipsql\".meta set epoch = 1":                          {fault.Denied, 1, 1},
		"drop schema shipsql cascade":                                           {fault.Denied, 1, 1},
		"drop table if exists shipsql.meta":                                     {fault.Denied, 1, 1},
		"alter table shipsql.meta add column x int":                             {fault.Denied, 1, 1},
		"truncate shipsql.migrations":                                           {fault.Denied, 1, 1},
		"alter schema shipsql rename to x":                                      {fault.Denied, 1, 1},
		"alter table a set schema shipsql":                                      {fault.Denied, 1, 1},
		"grant all on schema shipsql to public":                                 {fault.Denied, 1, 1},
		"set search_path = shipsql":                                             {fault.Denied, 1, 1},
		"do 'begin delete from shipsql.migrations; end'":                        {fault.Denied, 1, 1},
		"select 1;\n\\connect other\nselect 2":                                  {fault.Unsupported, 2, 2},
		"copy a from stdin;\n1\n\\.\n":                                          {fault.Unsupported, 1, 1},
		"copy a to stdout":                                                      {fault.Unsupported, 1, 1},
		"select 1;\nselekt 2":                                                   {fault.SQLError, 2, 2},
		"create table x(\n  id int,,\n)":                                        {fault.SQLError, 1, 2},
		"begin; create index concurrently on a(n); commit":                      {fault.Invalid, 2, 1},
		"select 1;\n-- shipsql: batch=10\ndelete from a":                        {fault.Unsupported, 0, 2},
		"select " + strings.Repeat("(", 20_000) + strings.Repeat(")", 20_000):   {fault.Unsupported, 1, 1},
	} {
		_, err := b.ApplyFiles(map[string]string{"2_x.sql": "insert into a values (0);" + text, "1_a.sql": "create table a(n int)"})
		if strings.HasPrefix(text, "begin") || strings.HasPrefix(text, "copy") {
			_, err = b.ApplyFiles(map[string]string{"2_x.sql": text})
		} else {
			want.Statement += min(want.Statement, 1)
		}
		var failure *executor.Failure
		if !errors.As(err, &failure) {
			t.Errorf("%.60s: error %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, refusal{failure.Code, failure.Statement, failure.Line}); diff != "" {
			t.Errorf("%.60s: %v %s", text, err, diff)
		}
	}
	b.Want("select count(*) from a", "0")
	b.Want("select count(*) from shipsql.migrations", "1")
}

func TestWhatLooksLikeARefusalAndIsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create role shipsql_app; create table t(shipsql int, note text)")
	defer b.Exec("drop owned by shipsql_app; drop role shipsql_app")
	b.MustApply(map[string]string{"1_x.sql": `
		select count(*) from shipsql.migrations;
		insert into t(shipsql, note) values (1, 'shipsql pg_advisory_unlock'), (2, U&'\0061');
		update t set shipsql = t.shipsql + 1 where note = 'shipsql';
		grant select on t to shipsql_app;
		comment on table t is 'shipsql';
		create table shipsql(n int); insert into shipsql values (1);
		savepoint a; rollback to savepoint a; release savepoint a;
		select pg_advisory_xact_lock(1)`})
}

func TestAVeryLargeInsertRuns(t *testing.T) {
	b := newBench(t)
	b.Exec("create table a(n int)")
	b.MustApply(map[string]string{"1_x.sql": "insert into a values (1)" + strings.Repeat(", (1)", 400_000)})
	b.Want("select count(*) from a", "400001")
}
