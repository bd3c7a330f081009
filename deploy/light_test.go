package deploy_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

// lightServers is how many databases there really are: more than workers, so
// that these seldom meet at one's lock.
const lightServers = 12

// lightEngine is the PostgreSQL engine over databases so light that ten thousand
// fit: each is a schema, and a history of the ledger, in one of a few real ones.
// What is applied to it goes the whole way of the real engine.
type lightEngine struct {
	executor.Engine

	server *privateserver.Postgres
}

// newLightEngine starts a server of its own, which flushes what it commits, as
// those in production do: to drop what ten thousand databases leave would take
// longer than to end it.
func newLightEngine(tb testing.TB, names []string) lightEngine {
	tb.Helper()
	parser := syntax.NewParser(syntax.Options{})
	tb.Cleanup(func() { _ = parser.Close() })
	e := lightEngine{postgres.New(parser), privateserver.OwnPostgres(tb, privateserver.Options{Durable: true})}
	for i := range lightServers {
		fatal(tb, e.server.CreateDatabase(tb.Context(), fmt.Sprint("light", i)))
	}
	e.make(tb, names)
	return e
}

// home is the URL of the real database that a light one is in.
func (e lightEngine) home(name string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name))
	return e.server.URL(fmt.Sprint("light", sum.Sum32()%lightServers))
}

// make makes light databases.
func (e lightEngine) make(tb testing.TB, names []string) {
	tb.Helper()
	schemas := map[string][]string{}
	for _, name := range names {
		schemas[e.home(name)] = append(schemas[e.home(name)], "CREATE SCHEMA "+name)
	}
	for home, statements := range schemas {
		e.session(tb, home, func(conn *pgx.Conn) error {
			_, err := conn.Exec(tb.Context(), strings.Join(statements, ";"))
			return err
		})
	}
}

// tables counts the tables that the release makes, in light databases whose
// names begin so.
func (e lightEngine) tables(tb testing.TB, prefix string) (tables int) {
	tb.Helper()
	for i := range lightServers {
		e.session(tb, e.server.URL(fmt.Sprint("light", i)), func(conn *pgx.Conn) error {
			var here int
			err := conn.QueryRow(tb.Context(), `SELECT count(*) FROM pg_tables WHERE starts_with(schemaname, $1) AND tablename = 'orders'`, prefix).Scan(&here)
			tables += here
			return err
		})
	}
	return tables
}

func (lightEngine) session(tb testing.TB, url string, use func(*pgx.Conn) error) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	fatal(tb, err)
	defer func() { _ = conn.Close(tb.Context()) }()
	fatal(tb, use(conn))
}

func (lightEngine) Name() string { return "light" }

func (e lightEngine) Open(url secret.Source) executor.Target {
	name, _ := url.Read()
	return lightTarget{e.Engine.Open(secret.Literal(e.home(name) + "&search_path=" + name)), name}
}

type lightTarget struct {
	executor.Target

	history string
}

func (t lightTarget) Apply(ctx context.Context, run executor.Run) (executor.Result, error) {
	run.History = t.history
	return t.Target.Apply(ctx, run)
}
