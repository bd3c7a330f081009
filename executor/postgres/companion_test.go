package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// diary is another tool's history.
type diary struct{ table string }

func (d diary) Prepare() []executor.Query {
	return []executor.Query{{SQL: "create table if not exists public.diary (version text primary key, by text not null default current_user)"}}
}

func (d diary) Record(m executor.Migration, _ time.Duration) []executor.Query {
	return []executor.Query{{SQL: "insert into " + d.table + "(version) values ($1)", Args: []any{m.Version}}}
}

func (d diary) Undo(m executor.Migration) []executor.Query {
	return []executor.Query{{SQL: "delete from " + d.table + " where version = $1", Args: []any{m.Version}}}
}

func TestACompanionIsWrittenWithTheRow(t *testing.T) {
	b := newBench(t)
	b.exec("create schema elsewhere")
	files := reversible()
	files["4_d.up.sql"] = "set search_path = elsewhere; set role pg_read_all_stats; select 1"
	files["5_e.up.sql"] = "insert into a values (2, 2); select 1/0"
	folder := load(t, files)
	run := executor.Run{Migrations: folder, Companion: diary{"public.diary"}}
	if _, err := b.Apply(t.Context(), run); err == nil {
		t.Fatal("no error")
	}
	b.want("select version, by from public.diary order by version", "1|postgres\n2|postgres\n3|postgres\n4|postgres")
	run.Migrations = folder[1:3]
	if _, err := b.Undo(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	b.want("select version from public.diary order by version", "1\n4")
}

func TestACompanionThatFailsFailsTheMigration(t *testing.T) {
	b := newBench(t)
	migrations := load(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b(n int);\ncreate index concurrently on b(n)"})
	run := executor.Run{Migrations: migrations[:1], Companion: diary{"public.gone"}}
	_, err := b.Apply(t.Context(), run)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "42P01" || failure.Message != `the other tool's history can't be written: relation "public.gone" does not exist` {
		t.Fatalf("error %v", err)
	}
	b.want("select to_regclass('a') is null", "true")
	b.want("select count(*) from shipsql.migrations", "0")

	run.Migrations = migrations[1:]
	if _, err := b.Apply(t.Context(), run); !errors.As(err, &failure) {
		t.Fatalf("error %v", err)
	}
	b.want("select state from shipsql.migrations", "partial")
	run.Companion = diary{"public.diary"}
	if _, err := b.Apply(t.Context(), run); err != nil { // the last word is said again, with it
		t.Fatal(err)
	}
	b.want("select version from public.diary", "2")
	b.want("select state from shipsql.migrations", "applied")
}

func TestQuery(t *testing.T) {
	b := newBench(t)
	reader, ok := b.Target.(executor.Reader)
	if !ok {
		t.Fatal("the target is no Reader")
	}
	var got []int
	each := func(scan func(...any) error) error {
		var n int
		err := scan(&n)
		got = append(got, n)
		return err
	}
	if err := reader.Query(t.Context(), executor.Query{SQL: "select generate_series(1, $1::int)", Args: []any{int64(3)}}, each); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
	if err := reader.Query(t.Context(), executor.Query{SQL: "select n from nowhere"}, each); fault.CodeOf(err) != fault.SQLError {
		t.Errorf("error %v", err)
	}
	enough := errors.New("enough")
	stop := func(func(...any) error) error { return enough }
	if err := reader.Query(t.Context(), executor.Query{SQL: "select generate_series(1, 3)"}, stop); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
}
