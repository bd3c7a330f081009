package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// file is one migration on its way. Its methods take the context of what the
// database does, which ends later than the run's: what was begun is finished.
type file struct {
	*session
	*program
}

// contended says that others were in the way and nothing is left of the attempt.
func contended(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "55P03", "40P01", "40001": // lock_not_available, deadlock_detected, serialization_failure
		return true
	}
	return false
}

// transaction runs the whole file and its ledger row as one. An undo claims the
// row before anything of it runs; an apply makes it at the end, when it knows all
// of it.
func (f file) transaction(ctx context.Context) error {
	w := work{begin: f.wrapper, file: f.limited(f.statements)}
	if f.Undoing() {
		w.before, w.after = f.claimed(), f.finished()
	} else {
		w.after = f.applied()
	}
	return f.transact(ctx, w)
}

// work is what one of our transactions does, in order.
type work struct {
	begin  string      // the file's own words, if it has some
	before []statement // our writes
	file   []statement // the file's
	after  []statement // our writes
}

// transact does the work in one round trip: COMMIT is sent with the rest, and an
// error of what is before it keeps the server from coming to it.
func (f file) transact(ctx context.Context, w work) error {
	if err := f.useSession(ctx); err != nil {
		return f.ours(ctx, err)
	}
	first, err := f.entrance(ctx, w.begin)
	if err != nil {
		return err
	}
	at, err := f.send(ctx, slices.Concat(first, w.before, f.asRole(w.file), f.closing(w)))
	if err != nil {
		f.rollback(ctx)
		return f.meaning(ctx, at, err)
	}
	f.dirty = f.dirty && !f.plain // the reset before a plain file holds
	f.Replaces = nil              // it is gone
	return nil
}

// useSession keeps our prepared statements away from files that may drop them.
func (f file) useSession(ctx context.Context) error {
	if !f.plain {
		f.dirty, f.prepared = true, nil
	}
	if f.dirty || f.prepared != nil {
		return nil
	}
	return f.prepareOwn(ctx)
}

// entrance returns the statements that make the session as new, begin a
// transaction and check the fence.
func (f file) entrance(ctx context.Context, words string) ([]statement, error) {
	reset := f.reset()
	if words != "" { // an isolation level is refused behind anything else
		if err := f.execute(ctx, reset); err != nil {
			return nil, err
		}
		reset = nil
	}
	return slices.Concat(reset, f.begin(words)), nil
}

// closing returns the statements that end a transaction. Behind a file the ledger
// is written as the login, in its encoding, and in the run's time.
func (f file) closing(w work) []statement {
	var all []statement
	if len(w.file) > 0 && (!f.plain || f.limits.Statement > 0) {
		all = append(all, own("SET LOCAL statement_timeout TO DEFAULT"))
	}
	if len(w.file) > 0 && (!f.plain || f.run.Role != "") {
		all = append(all, own(resetSession), own(resetRole), own("RESET client_encoding"))
	}
	all = append(slices.Concat(all, w.after), own(commitSQL))
	for _, s := range all {
		s.own.closing = true
	}
	return all
}

// rollback ends a failed transaction. When it can't, the session is broken, and
// the next use of it says so.
func (f file) rollback(ctx context.Context) {
	_, _ = f.Exec(context.WithoutCancel(ctx), "ROLLBACK")
}

// meaning tells what an error is about, by the statement that it came at.
func (f file) meaning(ctx context.Context, at statement, err error) error {
	switch {
	case at.own == nil:
		return f.failureOrLost(ctx, at, err)
	case at.own.means != nil:
		err = at.own.means(err)
	}
	if at.closing() {
		return f.uncommitted(ctx, err)
	}
	return f.ours(ctx, err)
}

// failureOrLost is the error of a file's own statement. A connection that broke
// leaves open whether the server goes on, to the COMMIT that it has: the ledger
// tells. If it did not, the statement isn't tried again: it may be what breaks
// connections.
func (f file) failureOrLost(ctx context.Context, s statement, err error) error {
	failure := f.failure(ctx, s, err)
	if _, answered := errors.AsType[*pgconn.PgError](err); !answered && f.IsClosed() {
		return &runner.Lost{Err: failure, Final: true}
	}
	return failure
}

// ours gives an error of our own statements its meaning.
func (f file) ours(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return runner.Interrupted(ctx)
	}
	pg, answered := errors.AsType[*pgconn.PgError](err)
	_, said := errors.AsType[*fault.Error](err)
	switch {
	case !said && answered && pg.Code == divided:
		return f.overtaken(ctx)
	case !said:
		return f.lost(err)
	case answered: // the companion's
		return f.failure(ctx, statement{}, err)
	}
	return err
}

// uncommitted is the error of our last writes, or of COMMIT. When the connection
// broke, only the ledger knows the outcome.
func (f file) uncommitted(ctx context.Context, err error) error {
	pg, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case fault.CodeOf(err) == fault.Conflict:
		return err
	case answered && !disconnected(pg):
		return f.failure(ctx, statement{}, err)
	}
	return f.lost(err)
}
