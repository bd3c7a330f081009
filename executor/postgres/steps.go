package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// steps runs a file that can't be one transaction, from where an earlier run
// left it.
func (f file) steps(ctx, work context.Context) error {
	next, err := f.resume(ctx, work)
	if err != nil {
		return err
	}
	if next == len(f.statements) { // only the last word was missing
		return f.record(work, f.finished())
	}
	for next < len(f.statements) {
		if err := runner.StillMine(ctx, f.run); err != nil {
			return err
		}
		end := f.stretch(next)
		err := runner.Retry(ctx, f.run, f, func() error {
			if f.statements[next].alone != nil {
				return f.runAlone(work, next)
			}
			return f.runTogether(work, next, end)
		})
		if err != nil {
			return err
		}
		next = end
	}
	return nil
}

// resume compares what was done with the file, settles the step that was under
// way, and returns the index of the first statement to run.
func (f file) resume(ctx, work context.Context) (int, error) {
	left := f.Left()
	next := 0
	for i, s := range f.statements {
		done, known := left[s.n]
		if !known {
			continue
		}
		if done.Hash != ledger.StepHash(s.Text) {
			return 0, f.edited(s)
		}
		if done.State == ledger.StepDone {
			next = i + 1
			continue
		}
		err := runner.Retry(ctx, f.run, f, func() error { return f.settleIntent(work, s, done) })
		switch {
		case errors.Is(err, errRunAgain):
			return i, nil
		case err != nil:
			return 0, err
		}
		next = i + 1
	}
	return next, f.noneBeyond()
}

// noneBeyond refuses a file that lost statements which were done.
func (f file) noneBeyond() error {
	for n := range f.Left() {
		if n > f.total {
			return f.edited(statement{n: n})
		}
	}
	return nil
}

func (f file) edited(s statement) error {
	return &executor.Failure{
		Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Code: fault.ChangedAfterApply,
		Message: fmt.Sprintf("statement %d ran here with another text, so the file can't go on", s.n),
		Hint:    "put the old text of the statements that are done back; only what comes after them may change",
	}
}

var errRunAgain = errors.New("the step left no trace")

// settleIntent ends a step that an earlier run left: it is done, or runs again
// (errRunAgain), or a person must say.
func (f file) settleIntent(ctx context.Context, s statement, left ledger.Step) error {
	if s.alone == nil {
		return f.ambiguous(ctx, s, "the statement ran alone and now would not")
	}
	before, err := parseObservation(left.Pre)
	if err != nil {
		return f.ambiguous(ctx, s, "what was observed before can't be read")
	}
	t, err := f.settle(ctx, s, before)
	switch {
	case err != nil:
		return err
	case t.outcome == none:
		return errRunAgain
	case t.outcome == unknown:
		return f.ambiguous(ctx, s, t.evidence)
	}
	// The migration itself is completed by steps, once.
	return f.record(ctx, f.step(s, ledger.StepDone, before))
}

// settle asks the catalog, with time to clean up.
func (f file) settle(ctx context.Context, s statement, before observation) (trace, error) {
	if err := f.prepare(ctx, s); err != nil {
		return trace{}, err
	}
	t, err := s.alone.settle(ctx, f.session, before)
	return t, f.aside(ctx, s, err)
}

// aside is an error of what we ask or clean up for a statement. nil stays nil.
func (f file) aside(ctx context.Context, s statement, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && !disconnected(pg) && ctx.Err() == nil {
		return f.failure(ctx, s, err)
	}
	return f.ours(ctx, err)
}

// ambiguous records that a person must decide.
func (f file) ambiguous(ctx context.Context, s statement, evidence string) error {
	err := f.record(ctx, []statement{f.state(ledger.Ambiguous)})
	if err != nil {
		return err
	}
	return &executor.AmbiguousError{Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Evidence: evidence}
}

// runTogether runs statements[i:end] in one transaction with their steps.
func (f file) runTogether(ctx context.Context, i, end int) error {
	w := work{
		begin:  f.beginOf(i),
		before: append(f.underWay(), f.done(f.statements[i:end])...),
		file:   f.limited(append(f.settingsBefore(i), f.statements[i:end]...)),
	}
	if end == len(f.statements) {
		w.after = f.finished()
	}
	return f.transact(ctx, w)
}

// settingsBefore returns the SET statements before the statement at i, to run
// again; they count as no step.
func (f file) settingsBefore(i int) (settings []statement) {
	for _, s := range f.statements[:i] {
		if s.setting {
			s.n = 0
			settings = append(settings, s)
		}
	}
	return settings
}

// runAlone runs the statement at i outside of a transaction.
func (f file) runAlone(ctx context.Context, i int) error {
	s := f.statements[i]
	before, err := f.observe(ctx, i)
	if err != nil {
		return err
	}
	if err := f.record(ctx, append(f.underWay(), f.step(s, ledger.StepIntent, before)...)); err != nil {
		return err
	}
	if err := f.prepareWithSettings(ctx, i); err != nil {
		return f.neverSent(ctx, s, err)
	}
	f.progress(s, executor.EventRunning, 0)
	if ctx.Err() != nil {
		return f.neverSent(ctx, s, f.failure(ctx, s, ctx.Err()))
	}
	failed := f.runSimple(ctx, s)
	if failed != nil {
		return f.refusedAlone(ctx, s, before, failed)
	}
	ctx = context.WithoutCancel(ctx) // to say that it ran isn't cancelled
	if err := f.verify(ctx, s, before); err != nil {
		return err
	}
	f.progress(s, executor.EventDone, 0)
	return f.finishStep(ctx, s, before)
}

// neverSent forgets a step that was intended and did not begin, while the
// connection can tell; else the next run must find out.
func (f file) neverSent(ctx context.Context, s statement, failed error) error {
	_ = f.record(context.WithoutCancel(ctx), f.forgotten(s))
	return failed
}

// observe looks at the objects as the file sees them.
func (f file) observe(ctx context.Context, i int) (observation, error) {
	if err := f.prepareWithSettings(ctx, i); err != nil {
		return observation{}, err
	}
	before, err := f.statements[i].alone.observe(ctx, f.session)
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		s := f.statements[i]
		return before, &executor.Failure{
			Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line,
			Message: refused.Message, Hint: refused.Next, Code: refused.Code, Err: refused,
		}
	}
	return before, f.aside(ctx, f.statements[i], err)
}

// prepareWithSettings makes the session as the statement at i expects it.
func (f file) prepareWithSettings(ctx context.Context, i int) error {
	if err := f.prepare(ctx, f.statements[i]); err != nil {
		return err
	}
	if settings := f.settingsBefore(i); len(settings) > 0 {
		return f.execute(ctx, settings)
	}
	return nil
}

// prepare resets the session and sets the limits of a statement that runs alone.
func (f file) prepare(ctx context.Context, s statement) error {
	all := append(f.reset(), own("SELECT set_config('application_name', $1, false)", applicationName(f.run.Task, f.epoch)))
	if f.run.Role != "" {
		all = append(all, own(setRole("SET ROLE ", f.run.Role)))
	}
	return f.execute(ctx, append(all, lowering("SET ", f.limitsAlone(s))...))
}

// patience is how long a statement waits for locks while it stalls nobody: for
// every transaction that is older than the index it builds.
const patience = executor.DefaultLockRetryFor

// limitsAlone lets what stalls nobody wait longer for its locks.
func (f file) limitsAlone(s statement) runner.Timeouts {
	limits := f.limits.Lowered(s.limits)
	if limits.Lock == 0 && s.alone.patient() {
		limits.Lock = max(f.run.Limits.LockTimeout, patience)
	}
	return limits
}

// runSimple sends one statement by the simple protocol, outside of a transaction.
func (f file) runSimple(ctx context.Context, s statement) error {
	_, err := f.PgConn().Exec(ctx, s.Text).ReadAll()
	return err
}

// refusedAlone handles an error of a statement that ran alone: what is left of
// it is removed, so that the file may be corrected and run again.
func (f file) refusedAlone(ctx context.Context, s statement, before observation, failed error) error {
	var pg *pgconn.PgError
	if !errors.As(failed, &pg) || disconnected(pg) || ctx.Err() != nil && !settlesAtOnce(s.alone) {
		return f.failure(ctx, s, failed) // the next run finds out what became of it
	}
	failure := f.failure(ctx, s, failed)
	ctx = context.WithoutCancel(ctx) // cleaning up isn't cancelled
	t, err := f.settle(ctx, s, before)
	if o, ok := s.alone.(opaque); ok && !o.commitsInside {
		t.outcome = none // a statement that was refused as a whole
	}
	switch {
	case err != nil:
		return errors.Join(failure, err)
	case t.outcome == took:
		return f.finishStep(ctx, s, before)
	case t.outcome == unknown:
		return f.ambiguous(ctx, s, "the database answered "+pg.Message)
	}
	if err := f.record(ctx, f.forgotten(s)); err != nil {
		return err
	}
	return failure
}

// settlesAtOnce says that settling a statement waits for nobody. To remove what
// is left of an index would wait for the very sessions in whose way, perhaps, the
// statement was cancelled.
func settlesAtOnce(a alone) bool {
	switch a.(type) {
	case opaque, repeatable, named, subscribed:
		return true
	}
	return false
}

// verify trusts the catalog more than the answer: an index must be there, and
// valid.
func (f file) verify(ctx context.Context, s statement, before observation) error {
	if _, isIndex := s.alone.(createIndex); !isIndex {
		return nil
	}
	t, err := f.settle(ctx, s, before)
	if err != nil || t.outcome == took {
		return err
	}
	return f.ambiguous(ctx, s, "the database reported success, and the catalog has no such valid index")
}

// finishStep marks a step as done, and the migration with its last one.
func (f file) finishStep(ctx context.Context, s statement, before observation) error {
	writes := f.step(s, ledger.StepDone, before)
	if s.n == f.statements[len(f.statements)-1].n {
		writes = append(writes, f.finished()...)
	}
	return f.record(ctx, writes)
}

// record commits our own writes.
func (f file) record(ctx context.Context, writes []statement) error {
	deadline := time.Now().Add(f.run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		err := f.transact(ctx, work{before: writes})
		if !contended(err) || time.Now().After(deadline) || runner.Pause(ctx, n, time.Second) != nil {
			return err
		}
	}
}
