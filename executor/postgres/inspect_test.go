package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
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

// login makes a role that may log in and nothing else, and returns its name and
// the URL with it.
func (b *bench) login() (name, url string) {
	b.t.Helper()
	name = "login_" + strings.ToLower(rand.Text()[:12])
	b.exec("create role " + name + " login password 'made-up'")
	b.t.Cleanup(func() {
		if _, err := b.conn.Exec(context.Background(), "drop owned by "+name+" cascade; drop role "+name); err != nil {
			b.t.Error(err)
		}
	})
	return name, as(b.t, b.url, name, "made-up")
}

func as(t testing.TB, text, user, password string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

func TestInspectOfAServerThatIsReady(t *testing.T) {
	b := newBench(t)
	got := mustInspect(t, b.url)
	if !strings.HasPrefix(got.Product, "PostgreSQL 1") || got.Ahead.Abs() > time.Second {
		t.Errorf("%+v", got)
	}
	config, err := pgx.ParseConfig(b.url)
	if err != nil {
		t.Fatal(err)
	}
	want := executor.Inspection{
		Product: got.Product, Ahead: got.Ahead, Login: config.User, Database: config.Database,
		Transport: executor.TransportLocal, Writes: []string{"everything, as a superuser"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.mustApply(map[string]string{"1_a.sql": "create table a()"})
	if got := mustInspect(t, b.url); got.Ledger != 1 || got.LedgerBad != "" {
		t.Errorf("with a ledger: %+v", got)
	}
	b.exec("update shipsql.meta set format = 99")
	if got := mustInspect(t, b.url); !strings.Contains(got.LedgerBad, "format 99") {
		t.Errorf("with a newer ledger: %+v", got)
	}
}

// TestTheGrantsThatInspectPrintsAreEnough runs what is printed, and nothing
// else, until nothing is lacking; then migrations apply.
func TestTheGrantsThatInspectPrintsAreEnough(t *testing.T) {
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
			owner, _ := b.login()
			_, url := b.login()
			b.exec(before)
			b.exec(fmt.Sprintf("create schema app authorization %s; set role %s; create table app.orders(); reset role; create table public.of_root()", owner, owner))
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
						b.exec(statement)
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
	b := newBench(t)
	owner, _ := b.login()
	name, url := b.login()
	b.exec(fmt.Sprintf(`create schema app authorization %s; set role %s; create table app.orders(); create table app.lines(); reset role;
		grant create on database %s to %s; create schema "Own one" authorization %s; create table public.here()`,
		owner, owner, mustInspect(t, b.url).Database, name, name))
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
	b.exec(`create table "Own one".t()`)
	for _, p := range mustInspect(t, url).Lacks {
		if p.Needed {
			t.Errorf("with a schema of its own: %+v", p)
		}
	}
}

func TestInspectSeesThatAReaderOnlyReads(t *testing.T) {
	b := newBench(t)
	name, url := b.login()
	b.exec("create table a(n int, m int); create table b()")
	if got := mustInspect(t, url).Writes; got != nil {
		t.Errorf("a login without grants: %q", got)
	}
	b.exec("grant select on a to " + name)
	if got := mustInspect(t, url).Writes; got != nil {
		t.Errorf("a login that reads: %q", got)
	}
	b.exec(fmt.Sprintf("grant update (m) on a to %s; grant create on schema public to %s", name, name))
	want := []string{"create tables in the schemas public", "change rows of public.a"}
	if diff := cmp.Diff(want, mustInspect(t, url).Writes); diff != "" {
		t.Error(diff)
	}
}

func TestInspectSaysWhoHoldsTheLock(t *testing.T) {
	b := newBench(t)
	b.exec("set application_name = 'shipsql/somebody/7'; select pg_advisory_lock(1936222576, 7565676)")
	if got := mustInspect(t, b.url).LockHeldBy; !strings.HasPrefix(got, "shipsql/somebody/7 (pid ") {
		t.Errorf("held by %q", got)
	}
	b.exec("select pg_advisory_unlock(1936222576, 7565676)")
	if got := mustInspect(t, b.url).LockHeldBy; got != "" {
		t.Errorf("still held by %q, perhaps by the first look", got)
	}
}

func TestInspectSeesWhatTakesNoChanges(t *testing.T) {
	b := newBench(t)
	name, url := b.login()
	b.exec("alter role " + name + " set default_transaction_read_only = on")
	if got := mustInspect(t, url); !got.ReadOnly || got.Replica {
		t.Errorf("read only: %+v", got)
	}
	primary := privateserver.OwnPostgres(t, privateserver.Options{})
	standby := privateserver.OwnStandby(t, primary)
	if got := mustInspect(t, standby.URL("postgres")); !got.Replica || got.ReadOnly {
		t.Errorf("standby: %+v", got)
	}
	if got := mustInspect(t, primary.URL("postgres")); got.Replica {
		t.Errorf("primary: %+v", got)
	}
}

func TestInspectSeesAPooler(t *testing.T) {
	b := newBench(t)
	for name, p := range map[string]pooler{"in transaction mode": {url: b.url}, "that drops parameters": {url: b.url, dropping: true, session: true}} {
		if got := mustInspect(t, startPooler(t, p, 2)); got.Pooler == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := mustInspect(t, startPooler(t, pooler{url: b.url, session: true}, 2)); got.Pooler != "" {
		t.Errorf("in session mode: %+v", got)
	}
}

func TestInspectSaysWhyThereIsNoConnection(t *testing.T) {
	b := newBench(t)
	name, url := b.login()
	b.exec("revoke connect on database " + mustInspect(t, b.url).Database + " from public")
	for url, want := range map[string]fault.Code{
		as(t, b.url, name, "wrong-hunter2"): fault.Denied,
		url:                                 fault.Denied,
		strings.Replace(b.url, "?", "_absent?", 1):     fault.NotFound,
		"postgres://u:wrong-hunter2@127.0.0.1:1/there": fault.Unreachable,
		"postgres://[": fault.Invalid,
	} {
		_, err := inspect(t, url)
		if fault.CodeOf(err) != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}
