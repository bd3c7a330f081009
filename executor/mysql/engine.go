package mysql

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/snapshot"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// The engines' names.
const (
	MySQL   = string(syntax.MySQL)
	MariaDB = string(syntax.MariaDB)
)

// New returns the engine of a flavour, MySQL or MariaDB. The two are one engine:
// the flavour only says how statements are read before a server can be asked.
func New(flavour syntax.Flavour) executor.Engine { return engine{flavour} }

type engine struct{ flavour syntax.Flavour }

// Name is "mysql" or "mariadb".
func (e engine) Name() string { return string(e.flavour) }

// Open names a target by its URL, e.g. mysql://user:password@host:3306/db?tls=true.
func (e engine) Open(url secret.Source) executor.Target { return &target{url: url, flavour: e.flavour} }

// target is one database. Its methods are documented at executor.Target.
type target struct {
	url     secret.Source
	flavour syntax.Flavour
}

func (t *target) Ping(ctx context.Context) error {
	return t.reading(ctx, func(c *connection) error { return c.PingContext(ctx) })
}

func (t *target) Catalog(ctx context.Context) (*catalog.Catalog, error) {
	var found *catalog.Catalog
	err := t.reading(ctx, func(c *connection) (err error) {
		found, err = snapshot.Read(ctx, c)
		return err
	})
	return found, err
}

func (t *target) Status(ctx context.Context, history string, folder []executor.Migration) ([]executor.Entry, error) {
	var entries []executor.Entry
	err := t.reading(ctx, func(c *connection) error {
		l, err := c.readLedger(ctx, history)
		entries = ledger.Status(l, folder)
		return c.hidden(ctx, err)
	})
	return entries, err
}

// hidden is the error of a login that may not even look at the ledger. Other
// errors stay as they are.
func (c *connection) hidden(ctx context.Context, err error) error {
	if !denied(err) {
		return err
	}
	login := c.login
	_ = c.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&login) // else without the host
	return fault.New(fault.Denied, "the login %s may not read the ledger, so it can't tell what is applied", login).At(c.at).Because(err).
		Then("run GRANT SELECT ON %s.* TO %s", escapedPattern(c.database), account(login))
}

// Query implements executor.Reader.
func (t *target) Query(ctx context.Context, q executor.Query, each func(scan func(dest ...any) error) error) error {
	return t.reading(ctx, func(c *connection) error { return c.refusedQuery(c.each(ctx, each, q.SQL, q.Args...)) })
}

// refusedQuery gives the server's answer to a query of others a code. nil stays
// nil.
func (c *connection) refusedQuery(err error) error {
	switch {
	case number(err) == 0: // it did not answer, or took no exception
		return err
	case denied(err):
		return fault.New(fault.Denied, "the login may not read this").At(c.at).Because(err)
	}
	return fault.New(fault.SQLError, "the database refuses the query").At(c.at).Because(err)
}

// reading lends a short-lived connection that needs neither lock nor writes.
func (t *target) reading(ctx context.Context, use func(*connection) error) error {
	c, err := t.neutral(ctx, program("read"))
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.ExecContext(ctx, "SET SESSION TRANSACTION READ ONLY"); err != nil {
		return c.unwrapped(err)
	}
	return c.unwrapped(use(c))
}
