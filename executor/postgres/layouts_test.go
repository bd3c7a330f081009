package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
)

// repository reads a golden repository of a layout; the paths begin behind dir.
func repository(t *testing.T, o layout.Options) []executor.Migration {
	t.Helper()
	files, err := layout.ReadDir(os.DirFS("../layout/testdata/"+o.Name), ".")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := layout.Load(files, o)
	if err != nil {
		t.Fatal(err)
	}
	return folder.Migrations
}

// ran are the versions that a run did something with.
func ran(r executor.Result) string {
	var words []string
	for _, o := range r.Outcomes {
		word := o.Version
		switch o.Kind {
		case executor.AlreadyApplied:
			continue
		case executor.Applied:
		default:
			word += "=" + string(o.Kind)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const relations = `select string_agg(relname || ':' || relkind::text, ' ' order by relname collate "C") from pg_class
	where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'i')`

func TestGoldenRepositoriesFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ first, second, relations string }{
		layout.Native:        {first: "1.2 1.10 20260102030405 20260103000000", relations: "countries:r countries_pkey:i users:r users_name:i users_pkey:i"},
		layout.Flyway:        {first: "1 2 10 10.1 R__active_users R__user_names", relations: "active_users:v user_names:v users:r users_email:i users_pkey:i"},
		layout.GolangMigrate: {first: "000001 000002 000003 000010", relations: "users:r users_pkey:i"},
		layout.Goose:         {first: "00001 00002 00010 00011", relations: "users:r users_name:i users_pkey:i"},
		layout.Dbmate:        {first: "20260101000000 20260102000000 20260103000000", relations: "users:r users_name:i users_pkey:i"},
		layout.Liquibase: {
			first:     "zz/users.sql::1::ann zz/users.sql::2::ann zz/users.sql::view::bob ross db/index.sql::users_name::ann db/index.sql::fill::ann",
			relations: "user_names:v users:r users_name:i users_pkey:i",
		},
		layout.Atlas:    {first: "20260103000000 20260104000000", relations: "users:r users_name:i users_pkey:i"},
		layout.Prisma:   {first: "0 20260102030405 20260103000000", relations: "User:r User_pkey:i"},
		layout.SQLx:     {first: "1 2 10", relations: "users:r users_name:i users_pkey:i"},
		layout.Bytebase: {first: "1.2 1.10 1.10.1", relations: "users:r users_pkey:i"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			run := executor.Run{Migrations: repository(t, layout.Options{Name: name}), Limits: quick}
			for _, wanted := range []string{want.first, ""} {
				result, err := b.Apply(t.Context(), run)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wanted, ran(result)); diff != "" {
					t.Error(diff)
				}
			}
			if diff := cmp.Diff(want.relations, b.Query(relations)); diff != "" {
				t.Error(diff)
			}
			entries, err := b.Status(t.Context(), "", run.Migrations)
			if err != nil || len(entries) != len(run.Migrations) {
				t.Fatal(entries, err)
			}
			for _, e := range entries {
				if e.State != executor.StateApplied && e.State != executor.StateBaseline {
					t.Errorf("%s is %s", e.Version, e.State)
				}
			}
		})
	}
}

// On a database with a history or tables a baseline is for others.
func TestABaselineRunsOnEmptyDatabasesOnly(t *testing.T) {
	t.Parallel()
	folder := repository(t, layout.Options{Name: layout.Atlas})
	b := newBench(t)
	b.Exec("create table other ()")
	result, err := b.Apply(t.Context(), executor.Run{Migrations: folder, Limits: quick})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("20260101000000 20260102000000 20260103000000=skipped 20260104000000", ran(result)); diff != "" {
		t.Error(diff)
	}
	if got := b.Query("select count(*) from users"); got != "2" {
		t.Errorf("%s users", got)
	}
}
