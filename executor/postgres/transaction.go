package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// file is one migration on its way. Its methods take the context of what the
// database does, which ends later than the run's: what was begun is finished.
type file struct {
	*session
	*program
}

// retried runs f again while locks are not had, deadlocks, or serialisation
// fails: each wait is bounded by lock_timeout, all of them by LockRetryFor.
func (f file) retried(ctx context.Context, attempt func() error) error {
	deadline := time.Now().Add(f.run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		err := attempt()
		if !contended(err) || time.Now().After(deadline) {
			return err
		}
		runner.Progress(f.run, executor.Event{Version: f.Migration.Version, Path: f.Migration.Path, Total: f.total, State: executor.EventRetrying, Detail: err.Error()})
		if runner.Pause(ctx, n+3, 30*time.Second) != nil {
			return err
		}
		if err := runner.StillMine(ctx, f.run); err != nil {
			return err
		}
	}
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

// transaction runs the whole file and its ledger row as one.
func (f file) transaction(ctx context.Context) error {
	inserted := false
	err := f.enter(ctx, f.limits, func(b *pgx.Batch) {
		f.queueRow(b, ledger.Applied).Exec(func(tag pgconn.CommandTag) error {
			inserted = tag.RowsAffected() == 1
			return nil
		})
	})
	switch {
	case err != nil:
		return err
	case !inserted: // can't be while we hold lock and epoch, unless somebody writes the ledger by hand
		f.rollback(ctx)
		return fault.New(fault.Conflict, "the ledger got a row of version %s while the run held the lock", f.Migration.Version).
			At(f.Migration.Path).Then("trying again reads it")
	}
	if err := f.execute(ctx, f.limited(f.statements)); err != nil {
		f.rollback(ctx)
		return err
	}
	return f.commit(ctx, f.queueFinish)
}

// enter makes the session as new, begins a transaction, checks the fence and
// does our own writes, all in one round trip.
func (f file) enter(ctx context.Context, limits timeouts, write func(*pgx.Batch)) error {
	if err := f.useSession(ctx); err != nil {
		return f.ours(ctx, err)
	}
	b := &pgx.Batch{}
	f.queueReset(b)
	b.Queue("BEGIN")
	limits.queue(b, "SET LOCAL ")
	fence := f.queueFence(b)
	write(b)
	err := f.SendBatch(ctx, b).Close()
	if err == nil {
		err = fence.check()
	}
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
	return f.lost(err)
}

// commit ends the transaction with our last writes. It is never cancelled. When
// the connection breaks, only the ledger knows the outcome.
func (f file) commit(ctx context.Context, write func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	if !f.plain { // the ledger is written as the login
		b.Queue("RESET SESSION AUTHORIZATION")
		b.Queue("RESET ROLE")
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
		return nil
	case err == nil:
		return fault.New(fault.Internal, "COMMIT was answered with %s", tag).At(f.Migration.Path)
	case errors.As(err, &pg) && !disconnected(pg):
		f.rollback(ctx)
		return f.failure(ctx, statement{}, pg)
	}
	return f.lost(err)
}

// rollback ends a failed transaction. When it can't, the session is broken, and
// the next use of it says so.
func (f file) rollback(ctx context.Context) {
	_, _ = f.Exec(context.WithoutCancel(ctx), "ROLLBACK")
}

// execute sends statements at once and reads the answers as they come. The
// server stops at the first error.
func (f file) execute(ctx context.Context, statements []statement) error {
	pipe := f.PgConn().StartPipeline(ctx)
	for i, s := range statements {
		pipe.SendQueryParams(s.Text, nil, nil, nil, nil)
		if i < len(statements)-1 {
			pipe.SendFlushRequest() // so that progress is seen
		}
	}
	failed := pipe.Sync()
	var at statement
	for _, s := range statements {
		if failed != nil {
			break
		}
		at = s
		f.step(s, executor.EventRunning, 0)
		var rows int64
		if rows, failed = readResult(pipe); failed == nil {
			f.step(s, executor.EventDone, rows)
		}
	}
	if err := pipe.Close(); failed == nil {
		failed = err
	}
	if failed != nil {
		return f.failure(ctx, at, failed)
	}
	return nil
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
		runner.Progress(f.run, executor.Event{Version: f.Migration.Version, Path: f.Migration.Path, Statement: s.n, Total: f.total, State: state, Rows: rows})
	}
}

// failure describes an error of a file's own statement, or of its COMMIT when
// the statement is zero.
func (f file) failure(ctx context.Context, s statement, err error) error {
	failed := &executor.Failure{
		Version: f.Migration.Version, Path: f.Migration.Path, Statement: s.n, Line: s.Line, Code: fault.SQLError, Err: err,
	}
	var pg *pgconn.PgError
	switch {
	case ctx.Err() != nil:
		failed.Err = runner.Interrupted(ctx)
		failed.Code, failed.Message = fault.Unreachable, "the run was interrupted"
		if runner.IsCancelled(ctx) {
			failed.Message = "the statement was cancelled"
		}
	case !errors.As(err, &pg) || disconnected(pg):
		failed.Code, failed.Message = fault.Unreachable, "the connection broke while the statement ran: "+err.Error()
		failed.Hint = "trying again is safe: what was not committed is gone"
	default:
		failed.SQLState, failed.Message, failed.Detail, failed.Hint = pg.Code, pg.Message, pg.Detail, f.hint(pg)
		if contended(pg) {
			failed.Code = fault.LockTimeout
		}
		if pg.Position > 0 && s.n > 0 {
			failed.Line, _ = script.Position(f.Migration.SQL, s.Start+byteOffset(s.Text, int(pg.Position)))
		}
	}
	return failed
}

// hint is the server's, or ours where the way on is known and the server is
// silent about it.
func (f file) hint(pg *pgconn.PgError) string {
	switch {
	case pg.Code == "53100": // disk_full
		return "make room: the server's disk space is used up; then run the migration again"
	case pg.Code == "42501" && pg.Hint == "": // insufficient_privilege
		return fmt.Sprintf("GRANT what is missing to %s, or let the migration run as a role that has it; then run it again", f.Config().User)
	}
	return pg.Hint
}

// byteOffset turns the server's position, 1-based in characters, into bytes.
func byteOffset(text string, position int) int {
	offset := 0
	for range position - 1 {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}
