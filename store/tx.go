package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// Tx is a transaction. It belongs to the function that it was given to: no use
// after that function's return, and not by two goroutines at once.
type Tx struct {
	db      *DB
	tx      *sql.Tx
	ordered bool
	remote  *orderedTx // the transaction as PostgreSQL has it, if it is ordered
	broken  error      // of a statement that was put off
	after   []func()
}

// Tx runs fn in a writing transaction that has the writer's turn: no other Tx
// runs meanwhile, on any node. It is committed when fn returns nil, else rolled
// back and fn's error returned. Inside fn use only tx to write: the turn is
// taken, so a nested Tx waits in vain. Keep network calls outside.
//
// fn may run more than once: when the store has surely rolled back, because of a
// deadlock or a lost connection before COMMIT, the transaction starts anew. So
// fn sets what it hands out (it does not add to it) and its hooks are forgotten.
// A connection lost at COMMIT is an unreachable error with an unknown outcome.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	tx := &Tx{db: db, ordered: true}
	return tx.finish(db.inTurn(ctx, func() error { return tx.run(ctx, fn) }))
}

// TxUnordered is Tx beside others. It is only for what unique indexes and single
// compare-and-set statements keep right: what fn reads first and writes then may
// have been changed by others in between. On SQLite it is the same as Tx.
func (db *DB) TxUnordered(ctx context.Context, fn func(*Tx) error) error {
	if db.lone() {
		return db.Tx(ctx, fn)
	}
	tx := &Tx{db: db}
	return tx.finish(tx.run(ctx, fn))
}

// inTurn runs fn in this process' turn to write.
func (db *DB) inTurn(ctx context.Context, fn func() error) error {
	if err := db.takeTurn(ctx); err != nil {
		return err
	}
	defer db.endTurn()
	return fn()
}

// finish runs the hooks after a commit.
func (tx *Tx) finish(err error) error {
	if err != nil {
		return err
	}
	for _, hook := range tx.after {
		hook()
	}
	return nil
}

// A transaction is tried a few times, with a pause that grows. That is enough for
// deadlocks and for connections that died in the pool; when the server is away
// for longer the caller's own way of trying again takes over.
const (
	attempts = 4
	pause    = 10 * time.Millisecond
)

// again calls f until it says that its error is final, a few times.
func again(ctx context.Context, f func() (final bool, err error)) error {
	for attempt := 1; ; attempt++ {
		final, err := f()
		if err == nil || final || attempt == attempts {
			return err
		}
		select {
		case <-time.After(rand.N(pause << attempt)): //nolint:gosec // not a secret
		case <-ctx.Done():
			return err
		}
	}
}

// reread repeats a read whose connection is lost.
func (db *DB) reread(ctx context.Context, read func() error) error {
	return again(ctx, func() (bool, error) {
		err := read()
		return err != nil && !db.lost(err), err
	})
}

// run runs fn, again when it was surely rolled back through no fault of its own.
func (tx *Tx) run(ctx context.Context, fn func(*Tx) error) error {
	err := again(ctx, func() (final bool, err error) {
		tx.after = nil
		undone, err := tx.attempt(ctx, fn)
		final = err != nil && (!undone || !tx.db.conflicted(err) && !tx.db.lost(err))
		return final, err
	})
	if err != nil {
		return tx.db.explain(err)
	}
	return nil
}

// attempt runs fn in one transaction. An error is undone when nothing can have
// been committed.
func (tx *Tx) attempt(ctx context.Context, fn func(*Tx) error) (undone bool, err error) {
	begin := ctx
	if tx.remote, tx.broken = nil, nil; tx.ordered {
		tx.remote = &orderedTx{}
		begin = context.WithValue(ctx, beginning{}, tx.remote)
	}
	if tx.tx, err = tx.db.write.BeginTx(begin, nil); err != nil {
		return true, fmt.Errorf("begin in the store: %w", err)
	}
	// Also when fn panics; after a commit it does nothing. An error of it adds
	// nothing: the connection is closed then, which rolls back too.
	defer func() { _ = tx.tx.Rollback() }()
	err = fn(tx)
	if err = cmp.Or(tx.broken, err); err != nil {
		return true, err
	}
	if err := tx.tx.Commit(); err != nil {
		if tx.db.conflicted(err) || stateOf(err) != "" && !isLost(err) { // the server refuses, so it rolled back
			return true, fmt.Errorf("commit to the store: %w", err)
		}
		return false, fmt.Errorf("commit to the store, with unknown outcome: %w", err)
	}
	return true, nil
}

// AfterCommit runs f once the transaction is committed and the writer free
// again, in the order of the calls; never after a rollback. If the process dies
// in between, f does not run: it may only hurry what would happen anyway.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Now is the store's clock.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// Later runs a statement whose result nobody needs: before the next one, whose
// error is then this one's, or with the commit, which saves a round trip.
func (tx *Tx) Later(ctx context.Context, query string, args ...any) error {
	if tx.remote == nil || tx.remote.conn == nil {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}
	tx.remote.last = append(tx.remote.last, statement{query, storable(args)})
	return nil
}

// catchUp runs what was put off. The first error is the transaction's: PostgreSQL
// runs nothing after it.
func (tx *Tx) catchUp(ctx context.Context) error {
	if tx.remote == nil {
		return nil
	}
	put := tx.remote.last
	tx.remote.last = nil
	for _, s := range put {
		if _, err := tx.tx.ExecContext(ctx, s.query, s.args...); err != nil {
			tx.broken = cmp.Or(tx.broken, err)
		}
	}
	return tx.broken
}

// Exec runs a statement that returns no rows.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := tx.catchUp(ctx); err != nil {
		return nil, err
	}
	return tx.tx.ExecContext(ctx, query, storable(args)...)
}

// Query runs a statement that returns rows, which the caller closes before the
// next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tx.catchUp(ctx); err != nil {
		return nil, err
	}
	return tx.tx.QueryContext(ctx, query, storable(args)...)
}

// QueryRow runs a statement that returns at most one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	_ = tx.catchUp(ctx) // after an error the server refuses this one too
	return tx.tx.QueryRowContext(ctx, query, storable(args)...)
}

// writerPatience is how long a writer waits for its turn. Transactions take
// milliseconds, so more than this means that one is stuck or nested.
const writerPatience = 30 * time.Second

func (db *DB) takeTurn(ctx context.Context) error {
	patience := time.NewTimer(writerPatience)
	defer patience.Stop()
	select {
	case <-db.turn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to write to the store: %w", ctx.Err())
	case <-patience.C:
		return errBusy
	}
}

var errBusy = fault.New(fault.Unreachable, "the store's writer was busy for %s", writerPatience).
	Then("look for a stuck or nested transaction")

func (db *DB) endTurn() { db.turn <- struct{}{} }

// IsUnique says that a statement failed because a row with the same unique
// value, or primary key, is there already. On PostgreSQL the transaction can do
// nothing more then: end it by returning the error.
func IsUnique(err error) bool { return isUniqueSQLite(err) || isUniquePostgres(err) }
