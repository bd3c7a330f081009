package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
)

// Queryer runs SQL; DB and Tx are Queryers, so a function that takes one works
// inside and outside a transaction.
type Queryer interface {
	// Exec runs a statement that returns no rows.
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	// Query runs a statement that returns rows, which the caller closes.
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// QueryRow runs a statement that returns at most one row.
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// writerPatience is how long a writer waits for its turn. Transactions take
// milliseconds, so more than this means that one is stuck or nested.
const writerPatience = 30 * time.Second

// DB is an open store. It is safe for concurrent use.
//
// As a Queryer it runs each statement by itself: Exec on the writer's
// connection, Query and QueryRow on the readers', where INSERT … RETURNING and
// the like are errors; use Tx for those.
type DB struct {
	clock clock.Clock
	write *sql.DB       // one connection
	read  *sql.DB       // a few, that can't write
	turn  chan struct{} // holds a token while nobody writes
}

// Open opens the store at url, "sqlite:path" (created if absent). "postgres://…"
// is an unsupported error for now, anything else an invalid one.
func Open(ctx context.Context, storeURL string, c clock.Clock) (*DB, error) {
	path, err := sqlitePath(storeURL)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, openError(path, err)
	}
	db := &DB{clock: c, turn: make(chan struct{}, 1)}
	db.turn <- struct{}{}
	if db.write, err = sql.Open("sqlite", dsn(path, "_txlock=immediate")); err != nil {
		return nil, openError(path, err)
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return nil, openError(path, errors.Join(err, db.write.Close()))
	}
	db.read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	db.read.SetMaxIdleConns(max(4, runtime.NumCPU()))
	if err := db.check(ctx); err != nil {
		return nil, openError(path, errors.Join(err, db.Close()))
	}
	return db, nil
}

// createPrivate makes the file, if it is absent, for our own eyes only: it holds
// what people said and did. SQLite gives the files beside it the same rights.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// check connects the writer first, which sets WAL mode, and reads.
func (db *DB) check(ctx context.Context) error {
	if err := db.write.PingContext(ctx); err != nil {
		return err
	}
	return db.Ping(ctx)
}

func sqlitePath(storeURL string) (string, error) {
	scheme, rest, ok := strings.Cut(storeURL, ":")
	switch {
	case ok && scheme == "sqlite" && rest != "":
		return strings.TrimPrefix(rest, "//"), nil
	case scheme == "postgres" || scheme == "postgresql":
		return "", fault.New(fault.Unsupported, "a PostgreSQL store is not supported yet").Then("use sqlite:PATH")
	default: // the URL itself is not shown: it may hold a password
		return "", fault.New(fault.Invalid, "the store is neither sqlite:PATH nor postgres://…").Then("set store: sqlite:shipsql.db")
	}
}

func dsn(path, last string) string {
	// synchronous(2) is FULL: WAL's NORMAL may lose the last commits in a power cut.
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(2)&_pragma=foreign_keys(1)&"
	return "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas + last
}

func openError(path string, err error) error {
	return fault.New(fault.Unreachable, "can't open the store").At(path).Because(err).
		Then("check that the folder exists and is writable")
}

// Close ends all connections.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }

// Ping says whether the store can be read now.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1) s").Scan(&one)
}

// Now is the store's clock: UTC, to the microsecond, as times are stored.
func (db *DB) Now() time.Time { return db.clock.Now().UTC().Truncate(time.Microsecond) }

// Exec runs one writing statement in a transaction of its own.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := db.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer db.endTurn()
	return db.write.ExecContext(ctx, query, args...)
}

// Query runs one reading statement.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.read.QueryContext(ctx, query, args...)
}

// QueryRow runs one reading statement for at most one row.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.read.QueryRowContext(ctx, query, args...)
}

func (db *DB) takeTurn(ctx context.Context) error {
	patience := time.NewTimer(writerPatience)
	defer patience.Stop()
	select {
	case <-db.turn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to write to the store: %w", ctx.Err())
	case <-patience.C:
		return fault.New(fault.Unreachable, "the store's writer was busy for %s", writerPatience).
			Then("look for a stuck or nested transaction")
	}
}

func (db *DB) endTurn() { db.turn <- struct{}{} }

// Micros is a time as it is stored.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros is a stored time, in UTC.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
