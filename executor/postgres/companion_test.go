package postgres_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor"
)

// diary is another tool's history, which notes who writes it.
type diary struct{}

func (diary) Prepare() []executor.Query {
	return []executor.Query{{SQL: "create table if not exists public.diary (version text primary key, by text not null default current_user)"}}
}

func (diary) Record(m executor.Migration) []executor.Query {
	return []executor.Query{{SQL: "insert into public.diary(version) values ($1)", Args: []any{m.Version}}}
}

func (diary) Undo(executor.Migration) []executor.Query { return nil }

func TestACompanionIsWrittenAsTheLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create schema elsewhere")
	folder := load(t, map[string]string{"1_a.sql": "set search_path = elsewhere; set role pg_read_all_stats; select 1", "2_b.sql": "create table b(n int); create index concurrently on b(n)"})
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: folder, Companion: diary{}}); err != nil {
		t.Fatal(err)
	}
	b.Want("select version, by from public.diary order by version", "1|postgres\n2|postgres")
}
