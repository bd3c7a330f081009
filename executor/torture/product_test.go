package torture_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

// product is a row of the table of engines: what the harness needs to know about
// a database product.
type product struct {
	name   string
	engine func() executor.Engine
	form   script.Form

	start   func(privateserver.TB) server
	crash   func(server, *rand.Rand) error    // ends the server as a crash would
	connect func(url string) (*sql.DB, error) // plainly: past engine and proxy
	scenes  []scene                           // what stories are made of
	pairs   []pair                            // the same with a way back
	reality func(*sql.DB) (string, error)     // the whole database as text: schema and rows
	ledger  ledgerSQL                         // how the harness reads the ledger behind the engine's back
	others  string                            // counts sessions on this database but the asking one
	remains string                            // lists what an engine left behind beside the target
	heads   []string                          // directives that files may begin with
	bad     badStates
}

// badStates are how a product's databases are brought into states that nobody
// wants.
type badStates struct {
	database func(*testing.T) string            // a fresh one on the shared server
	replica  func(*testing.T) string            // one that takes no changes
	login    func(b *bench) string              // the URL for a new login that may only read
	grants   func(b *bench)                     // lets it do all but write to the table theirs
	full     func(*testing.T) (url, sql string) // a database without room for what the statement writes
}

// server is a private server that may be broken.
type server interface {
	URL(database string) string
	CreateDatabase(ctx context.Context, name string) error
	DropDatabase(ctx context.Context, name string) error
	Kill() error
	Restart(ctx context.Context) error
}

// ledgerSQL are queries for the contract of execution.md §6.0, ordered.
type ledgerSQL struct {
	prefix string // of its tables' names
	exists string // 0 while there is none
	rows   string // version, checksum, state, finished
	steps  string // version, n, state
}

// products is the table. A machine may lack MySQL.
var products = append([]product{postgresql, mariadb}, mysqlIfThere()...)

func productNamed(name string) product {
	for _, p := range products {
		if p.name == name {
			return p
		}
	}
	panic("no product is called " + name)
}

func (p product) open(url string) executor.Target { return p.engine().Open(secret.Literal(url)) }
