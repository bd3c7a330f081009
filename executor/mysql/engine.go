package mysql

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
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

var errNotYet = fault.New(fault.Unsupported, "the MySQL engine is not built yet")

func (t *target) Apply(context.Context, executor.Run) (executor.Result, error) {
	return executor.Result{}, errNotYet
}

func (t *target) Undo(context.Context, executor.Run) (executor.Result, error) {
	return executor.Result{}, errNotYet
}

func (t *target) Status(context.Context, string, []executor.Migration) ([]executor.Entry, error) {
	return nil, errNotYet
}

func (t *target) Baseline(context.Context, executor.Mark) error { return errNotYet }

func (t *target) Skip(context.Context, executor.Mark) error { return errNotYet }

func (t *target) Resolve(context.Context, executor.Resolution, executor.Mark) error { return errNotYet }

func (t *target) Catalog(context.Context) (*catalog.Catalog, error) { return nil, errNotYet }

func (t *target) Ping(context.Context) error { return errNotYet }
