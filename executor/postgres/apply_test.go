package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestAFailingStatementLeavesNothingAndIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_ok.sql":  "create table ok()",
		"2_bad.sql": "create table left_over();\n\nselect 'é',\n  nothing;\ncreate table never();",
		"3_no.sql":  "create table never()",
	}
	result, err := b.ApplyFiles(files)
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
	b.Want("select relname from pg_class where relnamespace = 'public'::regnamespace", "ok")
	if got, want := b.States(files), "1 applied 1/1\n2 pending 0/3\n3 pending 0/1"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	files["2_bad.sql"] = "create table fixed()"
	b.MustApply(files)
}

func TestAnErrorAtCommitIsAFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{
		"1_a.sql": "create table a(id int primary key); create table c(id int references a deferrable initially deferred);",
		"2_b.sql": "insert into c values (1)",
	}
	_, err := b.ApplyFiles(files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "23503" || failure.Statement != 0 {
		t.Fatalf("error %v", err)
	}
	b.Want("select version from shipsql.migrations", "1")
}

func TestSettingsEndWithTheirFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create role other_role; grant all on schema public to other_role")
	t.Cleanup(func() { b.AtTheEnd("drop owned by other_role; drop role other_role") })
	b.MustApply(map[string]string{
		"1_a.sql": "set search_path = pg_catalog; set role other_role; create temp table x(); prepare p as select 1; create table public.a as select current_user::text as who",
		"2_b.sql": "create temp table x(); prepare p as select 1; create table b as select current_user::text as who",
	})
	b.Want("select who from public.a", "other_role")
	b.Want("select who from public.b", "postgres")
}

// A file's encoding is not the ledger's: its row is found again.
func TestAFileInAnotherEncoding(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"whole":      "set client_encoding = 'LATIN1'; insert into a values (1)",
		"steps":      "set client_encoding = 'LATIN1'; insert into a values (1); vacuum a; insert into a values (1)",
		"last alone": "set client_encoding = 'LATIN1'; insert into a values (1); vacuum a",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec("create table a(n int)")
			migrations := load(t, map[string]string{"1_größe.sql": text})
			migrations[0].Version, migrations[0].Kind = "R__größe", executor.Repeatable
			for _, want := range []executor.OutcomeKind{executor.Applied, executor.AlreadyApplied} {
				result, err := b.Apply(t.Context(), executor.Run{Migrations: migrations, Limits: quick})
				if err != nil || result.Outcomes[0].Kind != want {
					t.Fatalf("%+v, %v, want %s", result, err, want)
				}
			}
			b.Want("select version, name, state from shipsql.migrations", "R__größe|größe|applied")
		})
	}
}
