package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/postgres/snapshot"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/secret"
)

// Name is the engine's name.
const Name = "postgres"

// New returns the engine. It uses the parser to see what a file does before
// anything of it runs; the caller closes the parser.
func New(parser *syntax.Parser) executor.Engine { return engine{parser} }

type engine struct{ parser *syntax.Parser }

// Name is "postgres".
func (engine) Name() string { return Name }

// Open names a target by its URL or key=value connection string.
func (e engine) Open(url secret.Source) executor.Target { return &target{url: url, parser: e.parser} }

// target is one database. Its methods are documented at executor.Target.
type target struct {
	url    secret.Source
	parser *syntax.Parser
}

func (t *target) Ping(ctx context.Context) error {
	return t.reading(ctx, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
}

func (t *target) Catalog(ctx context.Context) (*catalog.Catalog, error) {
	var c *catalog.Catalog
	err := t.reading(ctx, func(conn *pgx.Conn) (err error) {
		c, err = snapshot.Read(ctx, conn)
		return err
	})
	return c, err
}

func (t *target) Status(ctx context.Context, history string, folder []executor.Migration) ([]executor.Entry, error) {
	var entries []executor.Entry
	err := t.reading(ctx, func(conn *pgx.Conn) error {
		l, err := readLedger(ctx, conn, history)
		entries = ledger.Status(l, folder)
		return explained(conn, err)
	})
	return entries, err
}

// reading lends a short-lived connection that needs neither lock nor writes.
func (t *target) reading(ctx context.Context, use func(*pgx.Conn) error) error {
	conn, err := t.connect(ctx, settings(executor.Limits{}.WithDefaults(), "read"))
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, conn)
	return broken(conn, use(conn))
}
