package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
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

// transaction runs the whole file and its ledger row as one, in two round trips:
// the second commits. An undo looks first whether the row is there; an apply makes
// it at the end, when it knows all of it.
func (f file) transaction(ctx context.Context) error {
	started := time.Now()
	run := f.applyWhole
	if f.Undoing() {
		run = f.undoWhole
	}
	if err := run(ctx, opening{f.wrapper, f.limits}); err != nil {
		return err
	}
	return f.commit(ctx, func(b *pgx.Batch) { f.queueWhole(b, time.Since(started)) })
}

func (f file) applyWhole(ctx context.Context, o opening) error {
	first, err := f.entrance(ctx, o)
	if err != nil {
		return err
	}
	return f.executeOrRollBack(ctx, slices.Concat(first, f.asRole(f.limited(f.statements))))
}

func (f file) undoWhole(ctx context.Context, o opening) error {
	missing := false
	err := f.enter(ctx, o, func(b *pgx.Batch) {
		f.queueState(b, ledger.Undone).Exec(func(tag pgconn.CommandTag) error {
			missing = tag.RowsAffected() == 0
			return nil
		})
	})
	switch {
	case err != nil:
		return err
	case missing:
		f.rollback(ctx)
		return f.otherRow()
	}
	return f.executeOrRollBack(ctx, f.asRole(f.limited(f.statements)))
}

// otherRow is the error of a ledger that isn't as it was read: while we hold lock
// and epoch, it can't be, unless somebody writes it by hand.
func (f file) otherRow() *fault.Error {
	return fault.New(fault.Conflict, "the ledger's row of version %s changed while the run held the lock", f.Migration.Version).
		At(f.Path()).Then("trying again reads it")
}

// opening is how one of our transactions begins. Its zero value is a plain BEGIN.
type opening struct {
	begin  string // the file's own words
	limits runner.Timeouts
}

// entrance returns the statements that make the session as new, begin a
// transaction and check the fence.
func (f file) entrance(ctx context.Context, o opening) ([]statement, error) {
	if err := f.useSession(ctx); err != nil {
		return nil, f.ours(ctx, err)
	}
	reset := f.reset()
	if o.begin != "" { // an isolation level is refused behind anything else
		if err := f.execute(ctx, reset); err != nil {
			return nil, err
		}
		reset = nil
	}
	return slices.Concat(reset, f.begin(o)), nil
}

// enter begins a transaction with our own writes, all in one round trip.
func (f file) enter(ctx context.Context, o opening, write func(*pgx.Batch)) error {
	first, err := f.entrance(ctx, o)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	queue(b, first)
	write(b)
	err = f.SendBatch(ctx, b).Close()
	if err != nil {
		f.rollback(ctx)
	}
	return f.ours(ctx, err)
}

// useSession keeps our prepared statements away from files that may drop them.
func (f file) useSession(ctx context.Context) error {
	switch {
	case !f.plain && f.prepared:
		f.dirty, f.prepared = true, false
		return f.DeallocateAll(ctx)
	case !f.plain:
		f.dirty = true
	case !f.dirty && !f.prepared:
		return f.prepareOwn(ctx)
	}
	return nil
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
	case !said && answered && pg.Code == fenced:
		f.rollback(ctx)
		return f.overtaken(ctx)
	case !said:
		return f.lost(err)
	case answered: // the companion's
		return f.failure(ctx, statement{}, err)
	}
	return err
}

// commit ends the transaction with our last writes. It is never cancelled. When
// the connection breaks, only the ledger knows the outcome.
func (f file) commit(ctx context.Context, write func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	if !f.plain || f.run.Role != "" { // the ledger is written as the login, and in its encoding
		b.Queue("RESET SESSION AUTHORIZATION")
		b.Queue("RESET ROLE")
		b.Queue("RESET client_encoding")
	}
	write(b)
	var tag string
	b.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		tag = t.String()
		return nil
	})
	err := f.SendBatch(context.WithoutCancel(ctx), b).Close()
	var pg *pgconn.PgError
	switch {
	case err == nil && tag == "COMMIT":
		f.dirty = f.dirty && !f.plain // the reset before a plain file holds
		f.Replaces = nil              // it is gone
		return nil
	case err == nil:
		return fault.New(fault.Internal, "COMMIT was answered with %s", tag).At(f.Path())
	case fault.CodeOf(err) == fault.Conflict:
		f.rollback(ctx)
		return err
	case errors.As(err, &pg) && !disconnected(pg):
		f.rollback(ctx)
		return f.failure(ctx, statement{}, err)
	}
	return f.lost(err)
}

// executeOrRollBack executes in a transaction, and ends it at an error.
func (f file) executeOrRollBack(ctx context.Context, statements []statement) error {
	err := f.execute(ctx, statements)
	if err != nil {
		f.rollback(ctx)
	}
	return err
}

// rollback ends a failed transaction. When it can't, the session is broken, and
// the next use of it says so.
func (f file) rollback(ctx context.Context) {
	_, _ = f.Exec(context.WithoutCancel(ctx), "ROLLBACK")
}

// window is how many bytes of statements are on their way at once: what was sent
// is kept until the server took it.
const window = 1 << 18

// execute sends statements, many at once, and reads the answers as they come.
// The server stops at the first error.
func (f file) execute(ctx context.Context, statements []statement) error {
	if len(statements) == 0 {
		return nil
	}
	pipe := f.PgConn().StartPipeline(ctx)
	var at statement
	var failed error
	for len(statements) > 0 && failed == nil {
		n := sendSome(pipe, statements)
		send := pipe.Flush
		if n == len(statements) {
			send = pipe.Sync
		}
		if failed = send(); failed == nil {
			at, failed = f.answers(pipe, statements[:n])
		}
		statements = statements[n:]
	}
	if len(statements) > 0 {
		_ = pipe.Sync() // the server skips to it; Close tells a broken connection
	}
	if err := pipe.Close(); failed == nil {
		failed = err
	}
	switch {
	case failed == nil:
		return nil
	case at.protocol:
		return f.ours(ctx, failed)
	}
	return f.failure(ctx, at, failed)
}

// answers reads what the server says to statements that were sent. It returns
// the last one that was looked at.
func (f file) answers(pipe *pgconn.Pipeline, sent []statement) (at statement, err error) {
	for _, at = range sent {
		f.step(at, executor.EventRunning, 0)
		rows, err := readResult(pipe)
		if err != nil {
			return at, err
		}
		f.step(at, executor.EventDone, rows)
	}
	return at, nil
}

// sendSome queues the first statements up to the window and says how many they
// are. Each is flushed, so that progress is seen, but the one before a Sync, and
// the protocol's before another of them.
func sendSome(pipe *pgconn.Pipeline, statements []statement) (n int) {
	for size := 0; n < len(statements) && size < window; n++ {
		size += len(statements[n].Text)
		if name := statements[n].prepared; name != "" {
			pipe.SendQueryPrepared(name, nil, nil, nil)
		} else {
			pipe.SendQueryParams(statements[n].Text, nil, nil, nil, nil)
		}
		spool.Passed(statements[n].Text)
		if n < len(statements)-1 && (!statements[n].protocol || !statements[n+1].protocol) {
			pipe.SendFlushRequest()
		}
	}
	return n
}

// readResult drops the rows of one statement and returns how many it touched.
func readResult(pipe *pgconn.Pipeline) (int64, error) {
	result, err := pipe.GetResults()
	if err != nil {
		return 0, err
	}
	rows, ok := result.(*pgconn.ResultReader)
	if !ok {
		return 0, errors.New("the server's answers are out of step")
	}
	tag, err := rows.Close()
	return tag.RowsAffected(), err
}

func (f file) step(s statement, state executor.EventState, rows int64) {
	if s.n > 0 {
		runner.Progress(f.run, executor.Event{Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Total: f.total, State: state, Rows: rows})
	}
}
