package enginetest

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
)

// Engine is a database product to tell the stories on.
type Engine struct {
	executor.Engine

	Product string // what Inspect calls it, without the version
	Dialect script.Dialect
	// Database makes an empty database, which ends with the test, and returns its
	// URL.
	Database func(testing.TB) string
	// Connect connects the test itself, for as long as it takes; one call may hold
	// several statements.
	Connect func(tb testing.TB, url string) *sql.DB
	// Own starts a server of the test's own.
	Own func(testing.TB) Server
	// Replica returns the URL of a database that takes no changes, because its
	// server follows another.
	Replica func(testing.TB) string

	SQL SQL

	// Folder is files whose every statement counts or can't run twice, so that one
	// that did, or did not run at all, shows: Proof is queries, and what they answer
	// when all ran once.
	Folder map[string]string
	Proof  map[string]string
	// Reversible is files of which all but the first have down texts. The first
	// makes a table a(id int, n int) with the row (1, 0), and each other text adds
	// to its n.
	Reversible map[string]string
}

// SQL is the texts in which a product differs from others. NAME stands for a
// name in them.
type SQL struct {
	Ledger      string // what the names of the ledger's tables begin with
	Placeholder string // of a query's only argument
	LockTimeout string // an expression: the session's limit for locks, in whole seconds
	Slow        string // a statement that takes ten minutes and begins with "insert into a"
	Torn        string // makes a procedure torn() that adds the row 1 to a(n), commits, and fails
	Mended      string // makes it over so that it only adds the row
	Sneaky      string // makes a procedure sneaky() that lets go of all locks of its session
	Login       string // makes the login NAME with the password made-up, which may do nothing
	DropLogin   string
	Reads       string // lets the login NAME read the table a
	Writes      string // lets it change the table's rows, too
}

// Server is a database server that a test may kill.
type Server interface {
	URL(database string) string
	CreateDatabase(ctx context.Context, name string) error
	Kill() error
	Restart(ctx context.Context) error
}

// Torture is how many times more faults than usual are injected: with
// SHIPSQL_TORTURE=1 every write is cut and hundreds of processes are killed.
func Torture(tb testing.TB) int {
	tb.Helper()
	asked := os.Getenv("SHIPSQL_TORTURE")
	if asked == "" {
		return 1
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		tb.Fatalf("SHIPSQL_TORTURE is %q, want a number", asked)
	}
	return 20 * n
}
