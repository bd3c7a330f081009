package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"runtime"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
)

// sqliteStore is the backend of one file: one writer's connection, a few readers.
type sqliteStore struct{ clock clock.Clock }

func openSQLite(ctx context.Context, path string, c clock.Clock) (*DB, error) {
	if err := createPrivate(path); err != nil {
		return nil, openError(path, err)
	}
	write, err := sql.Open("sqlite", dsn(path, "_txlock=immediate"))
	if err != nil {
		return nil, openError(path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn(path, "_pragma=query_only(1)"))
	if err != nil {
		return nil, openError(path, errors.Join(err, write.Close()))
	}
	read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	read.SetMaxIdleConns(max(4, runtime.NumCPU()))
	db := newDB(sqliteStore{c}, write, read)
	if err := db.connect(ctx); err != nil {
		return nil, openError(path, errors.Join(err, db.Close()))
	}
	return db, nil
}

// connect connects the writer first, which sets WAL mode, and reads.
func (db *DB) connect(ctx context.Context) error {
	if err := db.write.PingContext(ctx); err != nil {
		return err
	}
	var tables int
	return db.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1) s").Scan(&tables)
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

func dsn(path, last string) string {
	// synchronous(2) is FULL: WAL's NORMAL may lose the last commits in a power cut.
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(2)&_pragma=foreign_keys(1)&"
	return "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas + last
}

func openError(path string, err error) error {
	return fault.New(fault.Unreachable, "can't open the store").At(path).Because(err).
		Then("check that the folder exists and is writable")
}

func (sqliteStore) lone() bool { return true }

// adopt has nothing to do: SQLite compares text bytewise.
func (sqliteStore) adopt(context.Context, *Tx) error { return nil }

func (sqliteStore) conflicted(error) bool { return false }

func (sqliteStore) lost(error) bool { return false }

func (sqliteStore) explain(err error) error { return err }

func (s sqliteStore) now() time.Time { return s.clock.Now() }

func (sqliteStore) keepTime(context.Context, *sql.DB) error { return nil }

// knows has nobody to tell: one process has the file.
func (sqliteStore) knows(string, int) {}

func (sqliteStore) alone(context.Context, *sql.Tx, string, int) (bool, error) { return true, nil }

func isUniqueSQLite(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}
