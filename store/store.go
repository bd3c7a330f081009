package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
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

// DB is an open store. It is safe for concurrent use.
//
// As a Queryer it runs each statement by itself: Exec on a writer's connection,
// Query and QueryRow on the readers', where INSERT … RETURNING and the like are
// errors; use Tx for those.
type DB struct {
	backend

	write *sql.DB
	read  *sql.DB       // its connections can't write
	turn  chan struct{} // holds a token while no Tx of this process runs

	waiting waiting // schema files
}

// backend is what SQLite and PostgreSQL do differently.
type backend interface {
	// lone says that one process has the store, with one writer: every write
	// waits for the turn.
	lone() bool
	// adopt makes the columns of text that tx made sort bytewise.
	adopt(ctx context.Context, tx *Tx) error

	// conflicted says that a transaction was rolled back because of another.
	conflicted(err error) bool
	// lost says that the store, or the connection to it, is away.
	lost(err error) bool
	// explain gives an error of the store its code and what to do next.
	explain(err error) error

	// now is the store's clock.
	now() time.Time
	// keepTime sets the clock.
	keepTime(ctx context.Context, db *sql.DB) error

	// inspect reads a store's facts, and whether it has been migrated ever.
	inspect(ctx context.Context, q Queryer) (f Facts, migrated bool, err error)

	// knows is told the newest version of a room's tables that this program knows.
	knows(room string, version int)
	// alone keeps programs out that know less than version until tx ends, or
	// says false when one lives.
	alone(ctx context.Context, tx *sql.Tx, room string, version int) (bool, error)
}

// Open opens the store at url: "sqlite:path" (created if absent) or
// "postgres://…", which is read again for every new connection, so that a
// rotated password needs no restart. A URL of another kind is an invalid error,
// a store that can't be opened an unreachable one, a server that can't be a
// store (a read-only standby, a pooler in front of it) an unsupported one.
//
// A store tells c's time; with [clock.System] a PostgreSQL store tells the
// server's, so that all nodes agree.
func Open(ctx context.Context, url secret.Source, c clock.Clock) (*DB, error) {
	text, err := url.Read()
	if err != nil {
		return nil, fmt.Errorf("the store's URL: %w", err)
	}
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "sqlite" && rest != "":
		return openSQLite(ctx, strings.TrimPrefix(rest, "//"), c)
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(ctx, url, &serverClock{local: c, own: c != clock.System})
	default: // the URL itself is not shown: it may hold a password
		return nil, fault.New(fault.Invalid, "the store is neither sqlite:PATH nor postgres://…").Then("set store: sqlite:shipsql.db")
	}
}

func newDB(b backend, write, read *sql.DB) *DB {
	db := &DB{backend: b, write: write, read: read, turn: make(chan struct{}, 1)}
	db.turn <- struct{}{}
	return db
}

// Close ends all connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Ping says whether the store can be read now.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.QueryRow(ctx, "SELECT 1 FROM (SELECT 1) AS s").Scan(&one)
}

// Now is the store's clock: UTC, to the microsecond, as times are stored.
func (db *DB) Now() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// Exec runs one writing statement in a transaction of its own, beside others:
// as TxUnordered.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = db.single(ctx, func() error {
		result, err = db.write.ExecContext(ctx, query, storable(args)...)
		return err
	})
	return result, err
}

// single runs a writing statement that is its own transaction; again when it was
// rolled back because of another, which a statement of many rows may be.
func (db *DB) single(ctx context.Context, run func() error) error {
	if db.lone() {
		if err := db.takeTurn(ctx); err != nil {
			return err
		}
		defer db.endTurn()
	}
	err := again(ctx, func() (final bool, err error) {
		err = run()
		return err != nil && !db.conflicted(err), err
	})
	if err != nil {
		return db.explain(err)
	}
	return nil
}

// Query runs one reading statement.
func (db *DB) Query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = db.reread(ctx, func() error {
		rows, err = db.read.QueryContext(ctx, query, storable(args)...) //nolint:rowserrcheck,sqlclosecheck // the caller does
		return err
	})
	if err != nil {
		return nil, db.explain(err)
	}
	return rows, nil
}

// QueryRow runs one reading statement for at most one row.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = db.reread(ctx, func() error { // the row keeps the error
		row = db.read.QueryRowContext(ctx, query, storable(args)...)
		return row.Err()
	})
	return row
}

// Micros is a time as it is stored.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros is a stored time, in UTC.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
