package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// mixed has two transactions of its own, statements between them, and some that
// run in none.
const mixed = `set search_path = public;
begin;
create table a(id int, n int);
insert into a values (1, 1);
commit;

update a set n = n + 1;
create index concurrently a_n on a(n);
start transaction isolation level serializable;
savepoint s; update a set n = n + 1000; rollback to s;
update a set n = n + 10;
end;
begin;
update a set n = n + 100;
commit;
vacuum a;
update a set n = n + 1000;
`

func TestAFileIsSplitWhereItsTransactionsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table seen(xid xid8)")
	result := b.MustApply(map[string]string{"1_a.sql": mixed})
	want := "runs as 8 parts in the order written, each committed by itself: " +
		"line 1, lines 3–4, line 7, line 8, lines 10–11, line 14, line 16, line 17"
	if diff := cmp.Diff([]string{want}, result.Outcomes[0].Notes); diff != "" {
		t.Error(diff)
	}
	b.Want("select n from a", "1112")
	b.Want(indexValid, "1")
	b.Want("select count(*), max(n), bool_and(state = 'done') from shipsql.steps", "18|18|true")
	b.MustApply(map[string]string{"1_a.sql": mixed})
	b.Want("select n from a", "1112")
}

func TestABlockCommitsOrNothingOfItDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a(n int);\nbegin;\ninsert into a values (1);\ncommit;\nbegin;\ninsert into a values (2);\nselect 1/0;\ncommit;\ninsert into a values (3)"}
	_, err := b.ApplyFiles(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 7 || failure.Line != 7 {
		t.Fatalf("error %v", err)
	}
	b.Want("select n from a", "1")
	files["1_a.sql"] = strings.Replace(files["1_a.sql"], "1/0", "1", 1)
	b.MustApply(files)
	b.Want("select n from a order by n", "1\n2\n3")
}

func TestSettingsBeforeAWrapperKeepTheFileWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{"1_a.sql": "set search_path = pg_catalog;\nbegin;\ncreate table public.a();\nselect 1/0;\ncommit;"}
	if _, err := b.ApplyFiles(files); err == nil {
		t.Fatal("no error")
	}
	b.Want("select to_regclass('a') is null", "true")
	b.Want("select count(*) from shipsql.migrations", "0")
}

func TestABlockBeginsAsTheFileSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{
		"1_a.sql": "begin isolation level serializable; create table a as select current_setting('transaction_isolation'); commit",
		"2_b.sql": "begin isolation level repeatable read; create table b as select current_setting('transaction_isolation'); commit; select 1",
		"3_c.sql": "create table c as select current_setting('transaction_isolation')",
	})
	b.Want("table a", "serializable")
	b.Want("table b", "repeatable read")
	b.Want("table c", "read committed")
}

func TestAddedEnumValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create type mood as enum ('sad'); create table a(m mood)")
	t.Run("the file is split where the value is used", func(t *testing.T) {
		result := b.MustApply(map[string]string{"1_a.sql": "alter type mood add value 'o''k' before 'sad';\nalter type mood add value 'glad';\ninsert into a values ('glad'), ('o''k')"})
		if notes := strings.Join(result.Outcomes[0].Notes, ""); !strings.Contains(notes, "lines 1–2, line 3") {
			t.Errorf("notes %q", notes)
		}
		b.Want("select m from a order by m", "o'k\nglad")
	})
	t.Run("a file that doesn't use it is one transaction", func(t *testing.T) {
		_, err := b.ApplyFiles(map[string]string{"2_b.sql": "alter type mood add value 'odd';\nselect 1/0"})
		if err == nil {
			t.Fatal("no error")
		}
		b.Want("select count(*) from pg_enum where enumlabel = 'odd'", "0")
	})
	t.Run("a block of the file is not split", func(t *testing.T) {
		_, err := b.ApplyFiles(map[string]string{"4_d.sql": "select 1;\nbegin;\nalter type mood add value 'bad';\ninsert into a values ('bad');\ncommit"})
		var failure *executor.Failure
		if !errors.As(err, &failure) || failure.Line != 4 || failure.Code != fault.Invalid || !strings.Contains(failure.Hint, "COMMIT; BEGIN;") {
			t.Fatalf("error %v", err)
		}
	})
	t.Run("what can't be seen beforehand is explained", func(t *testing.T) {
		_, err := b.ApplyFiles(map[string]string{"5_e.sql": "alter type mood add value 'new';\ndo $$ begin insert into a values (lower('NEW')::mood); end $$"})
		var failure *executor.Failure
		if !errors.As(err, &failure) || failure.SQLState != "55P04" || !strings.Contains(failure.Hint, "ADD VALUE") {
			t.Fatalf("error %v", err)
		}
	})
}

func TestNoTransactionOfALayoutIsADirective(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table a();\nselect 1/0"})
	migrations[0].NoTransaction = true
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: migrations}); err == nil {
		t.Fatal("no error")
	}
	b.Want("select to_regclass('a') is null", "false")
}

func TestPartitionedTablesAreRebuiltOutsideOfATransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table p(k int) partition by list(k); create table p1 partition of p for values in (1); create index p_k on p(k)")
	_, err := b.ApplyFiles(map[string]string{"1_a.sql": "reindex table p"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "25001" || !strings.Contains(failure.Hint, "transaction=off") {
		t.Fatalf("error %v", err)
	}
	b.MustApply(map[string]string{"1_a.sql": "-- shipsql: transaction=off\nreindex table p;\ncluster p using p_k;"})
}

// A temporary table ends with the part that makes it: what comes behind would
// change another table of its name.
func TestTemporaryTablesStayInTheirPart(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]int{
		"create temp table a(n int);\nvacuum a;\ninsert into a values (1)":                                            2,
		"create temp table a(n int);\nvacuum;\ninsert into a values (1)":                                              3,
		"select 1 as n into temp a;\nvacuum;\nselect 1;\nupdate A set n = 2":                                          4,
		"create temp table a as select 1 as n;\nbegin;\ninsert into \"a\" values (1);\ncommit":                        3,
		"-- shipsql: transaction=off\ncreate temporary view a as select 1;\ncomment on view a is 'x'":                 3,
		"create temp table a(n int);\ninsert into a values (1);\nvacuum":                                              0,
		"create temp table a(n int) on commit drop;\nvacuum;\ninsert into a values (1)":                               0,
		"create temp table a(n int);\ndrop table a;\nvacuum;\ninsert into a values (1)":                               0,
		"create temp table a(n int);\nvacuum;\ncreate temp table a(n int);\ninsert into a values (2)":                 0,
		"create temp table a_b(n int);\nvacuum;\ninsert into a values (1)":                                            0,
		"create temp table a(n int);\ninsert into a values (1);\ninsert into a select 1 where 1 in (select n from a)": 0,
	} {
		b := newBench(t)
		b.Exec("create table a(n int)")
		_, err := b.ApplyFiles(map[string]string{"1_x.sql": text})
		failure, refused := errors.AsType[*executor.Failure](err)
		if refused != (line > 0) || refused && (failure.Line != line || failure.Code != fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
		if line > 0 {
			b.Want("select count(*) from a", "0")
			b.Want("select count(*) from shipsql.migrations", "0")
		}
	}
}
