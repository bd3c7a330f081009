package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestThePartitionedIndexRecipeWorks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(`create schema "s x"; create table "s x".p(k int, "n n" int) partition by list(k);
		create table "s x".p1 partition of "s x".p for values in (1);
		create table p2 partition of "s x".p for values in (2) partition by list("n n");
		create table p21 partition of p2 for values in (1); create table p22 partition of p2 for values in (2)`)
	_, err := b.ApplyFiles(map[string]string{"1_i.sql": `create unique index concurrently "p.k" on "s x" . p using btree (k, "n n") where k > 0`})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Code != fault.Unsupported || failure.Line != 1 {
		t.Fatalf("error %v", err)
	}
	_, recipe, found := strings.Cut(failure.Hint, "write this instead:\n")
	if !found {
		t.Fatalf("hint %q", failure.Hint)
	}
	b.MustApply(map[string]string{"1_i.sql": "set search_path = \"s x\", public;\n" + recipe})
	b.Want("select bool_and(indisvalid), count(*) from pg_index where indrelid in (select relid from pg_partition_tree('\"s x\".p'))", "true|5")
	b.Want(`select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'I' and not relispartition`, "s x|p.k")

	_, err = b.ApplyFiles(map[string]string{"2_i.sql": `create index concurrently on "s x".p (k)`})
	if !errors.As(err, &failure) || !strings.Contains(failure.Hint, `CREATE INDEX "p_idx" ON ONLY "s x".p (k);`) {
		t.Errorf("unnamed: %v %q", err, failure.Hint)
	}
}

// TestRemainsOfARebuild cuts REINDEX … CONCURRENTLY of a table with a TOAST table
// while it waits for somebody else's transaction.
func TestRemainsOfARebuild(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{"reindex table concurrently s.a", "reindex (concurrently) schema s", "reindex database concurrently %s"} {
		t.Run(sql, func(t *testing.T) {
			b := newBench(t)
			b.Exec("create schema s; create table s.a(n int primary key, note text); create table other(n int); create index other_ccnew on other(n)")
			b.Exec("set allow_system_table_mods = on; update pg_index set indisvalid = false where indexrelid = 'other_ccnew'::regclass")
			if strings.Contains(sql, "%s") {
				sql = fmt.Sprintf(sql, b.Query("select current_database()"))
			}
			files := map[string]string{"1_r.sql": sql}
			holder := connect(t, b.URL)
			if _, err := holder.Exec(t.Context(), "begin; insert into s.a values (1)"); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, files), Limits: executor.Limits{LockRetryFor: time.Minute}})
				done <- err
			}()
			const remains = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid where not indisvalid and relname ~ '_cc(new|old)' and relname <> 'other_ccnew'"
			eventually(t, "a new index is built", func() bool { return b.Query(remains) != "0" })
			b.Exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'shipsql/%' and datname = current_database()")
			if err := <-done; fault.CodeOf(err) != fault.Unreachable {
				t.Fatalf("error %v", err)
			}
			if b.Query(remains) == "0" {
				t.Fatal("nothing was left")
			}
			if _, err := holder.Exec(t.Context(), "commit"); err != nil {
				t.Fatal(err)
			}
			b.MustApply(files)
			b.Want(remains, "0")
			b.Want("select to_regclass('other_ccnew') is null", "false") // was there before
			b.Want("select state from shipsql.migrations", "applied")
		})
	}
}

func TestWhatTheServerKnowsByName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name := "made_" + b.Query("select current_database()")
	t.Cleanup(func() { b.AtTheEnd("drop database if exists " + name) })
	create, drop := map[string]string{"1_c.sql": "create database " + name}, map[string]string{"2_d.sql": "drop database " + name}
	const count = "select count(*) from pg_database where datname like 'made_' || current_database()"
	for name, c := range map[string]struct {
		files       map[string]string
		left, state string
		want        string
	}{
		"created by the cut run":     {create, "create database " + name, "drop database if exists " + name, "1"},
		"not created by the cut run": {create, "", "drop database if exists " + name, "1"},
		"dropped by the cut run":     {drop, "drop database " + name, "create database " + name, "0"},
		"not dropped by the cut run": {drop, "", "create database " + name, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			b.Exec("drop schema if exists shipsql cascade")
			if strings.HasPrefix(c.state, "create") {
				b.Exec("drop database if exists made_" + b.Query("select current_database()"))
			}
			b.Exec(c.state)
			b.killAtIntent(c.files)
			if c.left != "" {
				b.Exec(c.left)
			}
			b.MustApply(c.files)
			b.Want(count, c.want)
		})
	}
	b.Exec("drop schema shipsql cascade")
	if _, err := b.ApplyFiles(map[string]string{"1_c.sql": "create database postgres"}); err == nil {
		t.Error("a database was made twice")
	}
	b.Want("select count(*) from shipsql.migrations", "0") // refused as a whole: pending again
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	t.Cleanup(func() { b.AtTheEnd("drop subscription if exists sub_x") })
	// It never connects: the publisher plays no part.
	const never = "connection 'host=127.0.0.1 port=1 dbname=x' publication one with (connect = false, slot_name = none)"
	create := map[string]string{"1_c.sql": "create subscription sub_x " + never}
	add := map[string]string{"2_a.sql": "alter subscription sub_x add publication two with (refresh = false)"}
	drop := map[string]string{"3_d.sql": "drop subscription sub_x"}
	for _, step := range []struct {
		files    map[string]string
		by, want string
	}{
		{create, "create subscription sub_x " + never, "{one}"},
		{add, "alter subscription sub_x add publication two with (refresh = false)", "{one,two}"},
		{drop, "drop subscription sub_x", ""},
	} {
		b.Exec("drop schema if exists shipsql cascade")
		b.killAtIntent(step.files)
		b.Exec(step.by)
		b.MustApply(step.files)
		b.Want("select subpublications::text from pg_subscription where subname = 'sub_x'", step.want)
	}
	b.Exec("drop schema shipsql cascade")
	b.MustApply(map[string]string{
		"1_c.sql": create["1_c.sql"], "2_a.sql": add["2_a.sql"],
		"3_b.sql": "alter subscription sub_x drop publication one with (refresh = false); alter subscription sub_x set (binary = true)",
		"4_d.sql": "drop subscription sub_x",
	})
}

func TestAMaterialisedViewIsRefreshedConcurrentlyInATransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{
		"1_v.sql": "create table a as select 1 as n; create materialized view v as select * from a; create unique index on v(n)",
		"2_r.sql": "insert into a values (2); refresh materialized view concurrently v",
	})
	b.Want("select count(*) from v", "2")
	b.Want("select count(*) from shipsql.steps", "0")
}
