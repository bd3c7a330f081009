package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Tx is a transaction. It belongs to the function that it was given to: no use
// after that function's return, and not by two goroutines at once.
type Tx struct {
	db    *DB
	tx    *sql.Tx
	after []func()
}

// Tx runs fn in a writing transaction: committed when fn returns nil, else rolled
// back and fn's error returned. Inside fn use only tx to write: the writer is
// taken, so a nested Tx or DB.Exec waits in vain. Keep network calls outside.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	tx := &Tx{db: db}
	if err := db.inTurn(ctx, tx, fn); err != nil {
		return err
	}
	for _, hook := range tx.after {
		hook()
	}
	return nil
}

func (db *DB) inTurn(ctx context.Context, tx *Tx, fn func(*Tx) error) (err error) {
	if err := db.takeTurn(ctx); err != nil {
		return err
	}
	defer db.endTurn()
	if tx.tx, err = db.write.BeginTx(ctx, nil); err != nil {
		return fmt.Errorf("begin in the store: %w", err)
	}
	defer func() { // also when fn panics; after a commit it does nothing
		if rollback := tx.tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, fmt.Errorf("roll back in the store: %w", rollback))
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.tx.Commit(); err != nil {
		return fmt.Errorf("commit to the store: %w", err)
	}
	return nil
}

// AfterCommit runs f once the transaction is committed and the writer free
// again, in the order of the calls; never after a rollback. If the process dies
// in between, f does not run: it may only hurry what would happen anyway.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Now is the store's clock.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// Exec runs a statement that returns no rows.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.tx.ExecContext(ctx, query, args...)
}

// Query runs a statement that returns rows, which the caller closes before the
// next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.tx.QueryContext(ctx, query, args...)
}

// QueryRow runs a statement that returns at most one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(ctx, query, args...)
}

// IsUnique says that a statement failed because a row with the same unique
// value, or primary key, is there already.
func IsUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}
