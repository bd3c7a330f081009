package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// file is one migration on its way. Its methods take the context of what the
// database does (work), which ends later than the run's: what was begun is
// finished.
type file struct {
	*session
	*plan
	after *file // the one that runs then; nil for the last one

	resumed bool        // the ledger has steps of it
	stale   bool        // the ledger has rows' steps that an older ShipSQL only intended
	quiet   []statement // that ran and changed nothing: what is recorded next notes them
	mixed   []statement // that ran and changed what ours mean, too
}

// Run implements runner.File.
func (f *file) Run(ctx, work context.Context) error {
	err := f.all(ctx, work)
	if work.Err() != nil && (errors.Is(err, work.Err()) || errors.Is(err, context.Cause(work))) && fault.CodeOf(err) == fault.Internal {
		return runner.Interrupted(work) // between two statements
	}
	return err
}

func (f *file) all(ctx, work context.Context) error {
	limits, notes := f.limits.Within(runner.TimeoutsOf(f.run))
	f.limits, f.notes = limits, append(f.notes, notes...)
	if err := f.explained(f.reset(work)); err != nil {
		return err
	}
	if err := f.prepareCompanion(work); err != nil {
		return err
	}
	if limit := f.limits.Lock; limit > 0 {
		if _, err := f.ExecContext(work, "SET "+f.waits(limit)); err != nil {
			return f.explained(err)
		}
		f.left.any = true
	}
	next, err := f.resume(ctx, work)
	if err != nil {
		return err
	}
	return f.from(ctx, work, next)
}

// from runs the statements from the one at next on.
func (f *file) from(ctx, work context.Context, next int) error {
	finished := false
	for first := true; next < len(f.statements); first = false {
		if !first { // it was asked before the file
			if err := runner.StillMine(ctx, f.run); err != nil {
				return err
			}
		}
		end, err := f.advance(ctx, work, next)
		if err != nil {
			return err
		}
		finished = end == len(f.statements) && f.statements[next].way != idle
		next = end
	}
	if finished {
		return nil
	}
	_, err := f.complete(work, nil) // only the last word was missing
	return err
}

// advance runs the statement at i, and those after it that share its transaction, and
// returns their end.
func (f *file) advance(ctx, work context.Context, i int) (end int, err error) {
	s := f.statements[i]
	if s.way == idle {
		return i + 1, f.runIdle(work, s)
	}
	err = runner.Retry(ctx, f.run, f, func() error {
		return f.waiting(work, s, func() (err error) {
			if s.way == rows {
				end, err = f.runTogether(work, i)
				return err
			}
			end = i + 1
			return f.runAlone(work, i)
		})
	})
	return end, err
}

// stretch returns the end of the statements that share a transaction with the one
// at i; i when that has to run alone.
func (f *file) stretch(ctx context.Context, i int) (end int, err error) {
	end = i
	for end < len(f.statements) && f.statements[end].way != alone && f.statements[end].limits == f.statements[i].limits {
		inside, err := f.transactional(ctx, &f.statements[end])
		if err != nil {
			return 0, err
		}
		if !inside {
			f.statements[end].way = alone
			break
		}
		end++
		if f.separate {
			break
		}
	}
	return end, nil
}

// runIdle runs what changes nothing but the session.
func (f *file) runIdle(ctx context.Context, s statement) error {
	f.step(s, executor.EventRunning, 0)
	if err := f.send(ctx, s); err != nil {
		return f.failure(ctx, s, err)
	}
	f.step(s, executor.EventDone, 0)
	f.quiet = append(f.quiet, s)
	return nil
}

// send executes a statement that belongs to the session, and notes what it leaves
// there.
func (f *file) send(ctx context.Context, s statement) error {
	f.left.leaves(s)
	_, err := f.execute(ctx, s.Text, f.limitOf(s))
	if s.mixes {
		f.mixed = append(f.mixed, s)
	}
	return err
}

// waiting runs f with a statement's own limit for locks.
func (f *file) waiting(ctx context.Context, s statement, run func() error) error {
	if s.limits.Lock == 0 {
		return run()
	}
	usual := runner.TimeoutsOf(f.run).Lowered(f.limits)
	if _, err := f.ExecContext(ctx, "SET "+f.waits(usual.Lowered(s.limits).Lock)); err != nil {
		return f.explained(err)
	}
	if err := run(); err != nil {
		return err
	}
	_, err := f.ExecContext(ctx, "SET "+f.waits(usual.Lock))
	return f.explained(err)
}

// limitOf is the longest that a statement may take; 0: no limit.
func (f *file) limitOf(s statement) time.Duration {
	return runner.TimeoutsOf(f.run).Lowered(f.limits).Lowered(s.limits).Statement
}

func (f *file) step(s statement, state executor.EventState, rows int64) {
	runner.Progress(f.run, executor.Event{Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Total: f.total, State: state, Rows: rows})
}

// failure describes an error of a file's own statement, or of its COMMIT when
// the statement is zero. One of the connection asks for a new session.
func (f *file) failure(ctx context.Context, s statement, err error) error {
	failed := &executor.Failure{
		Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Code: fault.SQLError, Message: err.Error(), Err: err,
	}
	var answer *driverpkg.MySQLError
	limited, _ := errors.AsType[*fault.Error](err)
	switch {
	case ctx.Err() != nil:
		failed.Err = errors.Join(runner.Interrupted(ctx), err)
		failed.Code, failed.Message = fault.Unreachable, "the run was interrupted"
		if runner.IsCancelled(ctx) {
			failed.Message = "the statement was cancelled"
		}
	case broken(err):
		failed.Code, failed.Message = fault.Unreachable, "the connection broke while the statement ran: "+err.Error()
		failed.Hint = "trying again is safe: the ledger and the database tell what became of it"
		return &runner.Lost{Err: failed}
	case limited != nil:
		failed.Message, failed.Hint, failed.Code = limited.Message, limited.Next, limited.Code
	case errors.As(err, &answer):
		failed.SQLState, failed.Message = string(answer.SQLState[:]), fmt.Sprintf("%s (error %d)", answer.Message, answer.Number)
		failed.Hint = hints[answer.Number]
		if contended(err) {
			failed.Code = fault.LockTimeout
		}
	}
	return failed
}

// hints say what to do about errors whose words don't.
var hints = map[uint16]string{
	1021: noRoom, 1114: noRoom, 28: noRoom,
	1419: "the server logs for replication: grant the login SUPER, or have log_bin_trust_function_creators turned on",
	1290: "the server is read only: give the URL of the primary",
	1044: lacks, 1142: lacks, 1143: lacks, 1227: lacks, 1370: lacks,
}

const (
	noRoom = "free disk space on the server, or let its tablespace grow, then run again"
	lacks  = "GRANT the login what the statement needs, then run again"
)

// ours has the session take our own statements as they are meant; theirs goes back.
func (f *file) ours(ctx context.Context) error {
	if len(f.mixed) == 0 {
		return nil
	}
	_, err := f.ExecContext(ctx, "SET NAMES utf8mb4, sql_safe_updates = 0, sql_select_limit = DEFAULT")
	return f.explained(err)
}

func (f *file) theirs(ctx context.Context) error {
	for _, s := range f.mixed {
		if _, err := f.ExecContext(ctx, s.Text); err != nil {
			return f.failure(ctx, s, err)
		}
	}
	return nil
}
