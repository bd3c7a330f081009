package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

func inspect(t *testing.T, url string) (executor.Inspection, error) {
	t.Helper()
	return postgres.New(parser).(executor.Inspector).Inspect(t.Context(), secret.Literal(url))
}

func mustInspect(t *testing.T, url string) executor.Inspection {
	t.Helper()
	found, err := inspect(t, url)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestTheGrantsThatInspectPrintsAreEnough runs what is printed, and nothing
// else, until nothing is lacking; then migrations apply.
func TestTheGrantsThatInspectPrintsAreEnough(t *testing.T) {
	t.Parallel()
	migrations := map[string]string{"1_a.sql": "create table fresh(); alter table app.orders add column n int; alter table public.of_root add column n int;"}
	for name, before := range map[string]string{
		"empty database":         "",
		"schema made beforehand": "create schema shipsql",
		"ledger of another": `create schema shipsql; create table shipsql.meta (format int not null, epoch bigint not null); insert into shipsql.meta values (1, 0);
			create table shipsql.migrations (history text, kind text, version text, name text NOT NULL, checksum text NOT NULL, state text NOT NULL,
			release text NOT NULL, actor text NOT NULL, started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz,
			tool_version text NOT NULL, note text NOT NULL DEFAULT '', PRIMARY KEY (history, kind, version));
			create table shipsql.steps (history text, kind text, version text, n int, stmt_hash text NOT NULL, state text NOT NULL, pre text, predicted text, post text,
			PRIMARY KEY (history, kind, version, n))`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, _ := b.Login()
			_, url := b.Login()
			b.Exec(before)
			b.Exec(fmt.Sprintf("create schema app authorization %s; set role %s; create table app.orders(); reset role; create table public.of_root()", owner, owner))
			if _, err := openTarget(url).Apply(t.Context(), executor.Run{Migrations: load(t, migrations)}); err == nil {
				t.Fatal("it applies without any grant, so this proves nothing")
			}
			for round := 0; ; round++ {
				lacks := mustInspect(t, url).Lacks
				if len(lacks) == 0 {
					break
				}
				if round == 3 {
					t.Fatalf("after %d rounds it still lacks %+v", round, lacks)
				}
				for _, p := range lacks {
					for _, statement := range p.Grant {
						b.Exec(statement)
					}
				}
			}
			if _, err := openTarget(url).Apply(t.Context(), executor.Run{Migrations: load(t, migrations)}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInspectTellsWhatIsNeededFromWhatMayBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	owner, _ := b.Login()
	name, url := b.Login()
	b.Exec(fmt.Sprintf(`create schema app authorization %s; set role %s; create table app.orders(); create table app.lines(); reset role;
		grant create on database %s to %s; create schema "Own one" authorization %s; create table public.here()`,
		owner, owner, mustInspect(t, b.URL).Database, name, name))
	got := mustInspect(t, url).Lacks
	want := []executor.Privilege{
		{What: "create tables in the schema app", Grant: []string{`GRANT USAGE, CREATE ON SCHEMA "app" TO "` + name + `"`}},
		{What: "create tables in the schema public", Needed: true, Grant: []string{`GRANT USAGE, CREATE ON SCHEMA "public" TO "` + name + `"`}},
		{What: "alter 2 tables that belong to " + owner + ", e.g. app.lines", Grant: []string{`GRANT "` + owner + `" TO "` + name + `"`}},
		{What: "alter 1 table that belongs to postgres: public.here", Grant: []string{`ALTER TABLE public.here OWNER TO "` + name + `"`}},
	}
	want[0].Needed = true
	for i := range got {
		if got[i].Why == "" {
			t.Errorf("no reason: %+v", got[i])
		}
		got[i].Why = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Exec(`create table "Own one".t()`)
	for _, p := range mustInspect(t, url).Lacks {
		if p.Needed {
			t.Errorf("with a schema of its own: %+v", p)
		}
	}
}

func TestInspectSeesThatAReaderOnlyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name, url := b.Login()
	b.Exec("create table a(n int, m int); create table b()")
	if got := mustInspect(t, url).Writes; got != nil {
		t.Errorf("a login without grants: %q", got)
	}
	b.Exec("grant select on a to " + name)
	if got := mustInspect(t, url).Writes; got != nil {
		t.Errorf("a login that reads: %q", got)
	}
	b.Exec(fmt.Sprintf("grant update (m) on a to %s; grant create on schema public to %s", name, name))
	want := []string{"create tables in the schemas public", "change rows of public.a"}
	if diff := cmp.Diff(want, mustInspect(t, url).Writes); diff != "" {
		t.Error(diff)
	}
}

func TestInspectSeesThatALoginOnlyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name, url := b.Login()
	b.Exec("alter role " + name + " set default_transaction_read_only = on")
	if got := mustInspect(t, url); !got.ReadOnly || got.Replica {
		t.Errorf("read only: %+v", got)
	}
}

func TestInspectSeesAPooler(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, p := range map[string]pooler{"in transaction mode": {url: b.URL}, "that drops parameters": {url: b.URL, dropping: true, session: true}} {
		if got := mustInspect(t, startPooler(t, p, 2)); got.Pooler == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := mustInspect(t, startPooler(t, pooler{url: b.URL, session: true}, 2)); got.Pooler != "" {
		t.Errorf("in session mode: %+v", got)
	}
}

func TestInspectSaysWhyThereIsNoConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name, url := b.Login()
	b.Exec("revoke connect on database " + mustInspect(t, b.URL).Database + " from public")
	for url, want := range map[string]fault.Code{
		b.As(name, "wrong-hunter2"): fault.Denied,
		url:                         fault.Denied,
		strings.Replace(b.URL, "?", "_absent?", 1):     fault.NotFound,
		"postgres://u:wrong-hunter2@127.0.0.1:1/there": fault.Unreachable,
		"postgres://[": fault.Invalid,
	} {
		_, err := inspect(t, url)
		if fault.CodeOf(err) != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}
