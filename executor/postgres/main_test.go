package postgres_test

import (
	"context"
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the suite's own looks

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

// parser is shared by the tests of this process.
var parser = syntax.NewParser(syntax.Options{})

// engine is PostgreSQL, as the suite sees it.
var engine = enginetest.Engine{
	Engine: postgres.New(parser), Product: "PostgreSQL 1", Dialect: script.Postgres,
	Database: func(tb testing.TB) string { return privateserver.Database(tb) },
	Connect: func(tb testing.TB, url string) *sql.DB {
		db, err := sql.Open("pgx", url)
		if err != nil {
			tb.Fatal(err)
		}
		return db
	},
	Own: func(tb testing.TB) enginetest.Server { return privateserver.OwnPostgres(tb, privateserver.Options{}) },
	Replica: func(tb testing.TB) string {
		return privateserver.OwnStandby(tb, privateserver.OwnPostgres(tb, privateserver.Options{})).URL("postgres")
	},
	SQL: enginetest.SQL{
		Ledger: "shipsql.", Placeholder: "$1", LockTimeout: "extract(epoch from current_setting('lock_timeout')::interval)::int",
		Slow:   "insert into a select 1 from pg_sleep(600)",
		Torn:   "create procedure torn() language plpgsql as $$ begin insert into a values (1); commit; perform 1/0; end $$",
		Mended: "create or replace procedure torn() language sql as 'insert into a values (1)'",
		Sneaky: "create procedure sneaky() language sql as 'select pg_advisory_unlock_all()'",
		Login:  "create role NAME login password 'made-up'", DropLogin: "drop owned by NAME cascade; drop role NAME",
		Reads: "grant select on a to NAME", Writes: "grant update on a to NAME",
	},
	Folder: map[string]string{
		"1_a.sql":     "create schema s; create table s.counter(id int, n int); insert into s.counter values (1, 0), (2, 0)",
		"2_plain.sql": "update s.counter set n = n + 1; update s.counter set n = n + 10",
		"3_mixed.sql": "set search_path = s;\nupdate counter set n = n + 100;\ncreate index concurrently counter_n on counter(n);\nupdate counter set n = n + 1000;\nvacuum counter;\ncreate unique index concurrently on counter(id);",
		"4_off.sql":   "-- shipsql: transaction=off\nupdate s.counter set n = n + 10000;\nupdate s.counter set n = n + 100000;\nreindex index concurrently s.counter_n;",
		"5_last.sql":  "update s.counter set n = n + 1000000; drop index s.counter_n",
		"6_parts.sql": "begin;\nupdate s.counter set n = n + 10000000;\ncommit;\nupdate s.counter set n = n + 100000000;\nstart transaction isolation level repeatable read;\nupdate s.counter set n = n + 1000000000;\nend;",
	},
	Proof: map[string]string{
		"select n from s.counter": "1111111111\n1111111111",
		"select string_agg(c.relname || ' ' || (i.indisvalid and i.indisready), ', ') from pg_index i join pg_class c on c.oid = i.indexrelid where indrelid = 's.counter'::regclass": "counter_id_idx true",
	},
	// One transaction, steps, and blocks of the file's own.
	Reversible: map[string]string{
		"1_a.up.sql": "create table a(id int, n int); insert into a values (1, 0)",
		"2_b.up.sql": "update a set n = n + 1;", "2_b.down.sql": "update a set n = n + 10;",
		"3_c.up.sql": "begin; update a set n = n + 100; commit;\ncreate index concurrently a_n on a(n);\n" +
			"begin; update a set n = n + 100; update a set n = n + 100; commit;\nupdate a set n = n + 100;",
		"3_c.down.sql": "update a set n = n + 1000;\ndrop index concurrently a_n;\nbegin;\nupdate a set n = n + 10000;\nupdate a set n = n + 100000;\ncommit;\nvacuum a;",
	},
}

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	code := enginetest.Main(m, engine)
	_ = parser.Close()
	os.Exit(code)
}

func TestEngine(t *testing.T) { enginetest.Run(t, engine) }

// bench is the suite's, with PostgreSQL's ways.
type bench struct {
	*enginetest.Bench

	t testing.TB
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return &bench{engine.NewBench(t), t}
}

func benchAt(t testing.TB, url string) *bench {
	t.Helper()
	return &bench{engine.BenchAt(t, url), t}
}

// in is the same bench in a subtest.
func (b *bench) in(t testing.TB) *bench { return &bench{b.In(t), t} }

func openTarget(url string) executor.Target { return engine.Open(secret.Literal(url)) }

func load(t testing.TB, files map[string]string) []executor.Migration {
	t.Helper()
	return engine.Load(t, files)
}

var quick, unhurried = enginetest.Quick, enginetest.Unhurried

// connect opens a session of which the driver tells more.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// await waits until a condition holds: a session that was closed is gone a moment
// later.
func (b *bench) await(condition string) {
	b.t.Helper()
	eventually(b.t, condition, func() bool { return b.Query("select ("+condition+")::text") == "true" })
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
