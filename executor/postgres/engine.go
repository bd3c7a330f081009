package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/postgres/snapshot"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/fault"
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
		return explained(conn, hidden(conn, err))
	})
	return entries, err
}

// hidden is the error of a login that may not even look at the ledger. Other
// errors stay as they are.
func hidden(conn *pgx.Conn, err error) error {
	if pg, answered := errors.AsType[*pgconn.PgError](err); !answered || pg.Code != "42501" {
		return err
	}
	login := pgx.Identifier{conn.Config().User}.Sanitize()
	return fault.New(fault.Denied, "the login %s may not read the ledger, so it can't tell what is applied", login).At(where(conn)).Because(errors.New(err.Error())).
		Then("run GRANT USAGE ON SCHEMA shipsql TO %s; GRANT SELECT ON ALL TABLES IN SCHEMA shipsql TO %[1]s", login)
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
