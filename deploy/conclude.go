package deploy

import (
	"context"
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
)

const (
	lockPause        = 10 * time.Second // before a refused lock is tried for again
	unreachablePause = 5 * time.Second  // before a lost database is looked for again
	unreachableFor   = 5 * time.Minute  // how long a database may be away: a restart, a failover
	maxLost          = 5                // times in a row that it is lost midway: perhaps the migration breaks it
	concludeWithin   = 15 * time.Second // for writing the result when the process stops
)

// conclude writes what became of an attempt and rings for what follows; again
// says that the task is queued anew, for later. An attempt that another worker
// has taken over writes nothing.
func (s *Service) conclude(ctx context.Context, a *attempt, result executor.Result, cause error) (again bool, err error) {
	if cause != nil && (errors.Is(cause, errNotMine) || ctx.Err() != nil) {
		s.deps.Log.Info("A task is left to the next worker", "task", a.ID, "database", a.Database, "error", cause)
		return false, queue.Retry(time.Second, nil)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), concludeWithin)
	defer cancel()
	now := s.db.Now()
	t := a.judged(cause, now)
	t.Progress = a.finalProgress(result, t.State)
	_, err = s.ends.Do(ctx, ended{attempt: a, task: t, result: result, at: now})
	return t.State == Queued, err
}

func outcomeState(kind executor.OutcomeKind) State {
	if kind == executor.Skipped {
		return Skipped
	}
	return Done
}

// judged is the task's row after an attempt that ended with cause.
func (a *attempt) judged(cause error, now time.Time) storedTask {
	t := a.storedTask
	t.FinishedAt = now
	t.Failure = failureOf(cause)
	if t.Failure != nil && t.Failure.Version != "" {
		t.Failure.Version = nameOf(a.run.text(t.Failure.Version, t.Failure.Path))
	}
	if t.Failure != nil && t.Failure.Code == fault.LockTimeout && t.Failure.Detail == "" {
		t.Failure.Detail = a.Progress.Waits
	}
	switch {
	case cause == nil:
		t.State = Done
	case errors.Is(cause, errCancelled), errors.Is(cause, executor.ErrCancelled):
		t.State, t.Failure = Cancelled, nil
	case t.Failure.Code == fault.Ambiguous:
		t.State = Ambiguous
	case t.Failure.Code == fault.LockTimeout && now.Sub(a.StartedAt) < a.env.LockRetryFor:
		return t.again(now.Add(min(lockPause, a.env.LockRetryFor-now.Sub(a.StartedAt))))
	case t.Failure.Code == fault.Unreachable:
		t.Failure.Since, t.Failure.Lost = a.outage(now)
		if t.Failure.Lost < maxLost && now.Sub(t.Failure.Since) < unreachableFor {
			return t.again(now.Add(unreachablePause))
		}
		t.State = Failed
	default:
		t.State = Failed
	}
	return t
}

// outage is since when the database is away that an attempt did not reach, or
// lost midway, just now; and how often in a row it was lost midway.
func (a *attempt) outage(now time.Time) (since time.Time, lost int) {
	since = now
	if before := a.before; before != nil && !before.Since.IsZero() {
		since, lost = before.Since, before.Lost
	}
	if a.reached {
		since, lost = now, lost+1
	}
	return since, lost
}

// again is the task in the queue for later.
func (t storedTask) again(at time.Time) storedTask {
	t.State, t.RetryAt, t.FinishedAt = Queued, at, time.Time{}
	return t
}

// failureOf takes an executor's error apart.
func failureOf(cause error) *Failure {
	if cause == nil {
		return nil
	}
	f := &Failure{Code: fault.CodeOf(cause), Message: secret.Redact(cause.Error())}
	var failed *executor.Failure
	var ambiguous *executor.AmbiguousError
	var known *fault.Error
	switch {
	case errors.As(cause, &failed):
		f.Version, f.Path, f.Statement, f.Line = failed.Version, failed.Path, failed.Statement, failed.Line
		f.SQLState, f.Message = failed.SQLState, secret.Redact(failed.Message)
		f.Detail, f.Hint = secret.Redact(failed.Detail), secret.Redact(failed.Hint)
	case errors.As(cause, &ambiguous):
		f.Version, f.Path, f.Statement, f.Line = ambiguous.Version, ambiguous.Path, ambiguous.Statement, ambiguous.Line
		f.Message = secret.Redact(ambiguous.Evidence)
	case errors.As(cause, &known):
		f.Path, f.Next = known.Where, secret.Redact(known.Next)
		without := *known
		without.Next = ""
		f.Message = secret.Redact(without.Error())
	}
	return f
}

// finalProgress counts what the ledger holds now of the run.
func (a *attempt) finalProgress(result executor.Result, state State) Progress {
	p := a.Progress
	p.Of = len(a.run.Migrations)
	p.Migrations = 0
	p.Phase, p.PhaseDone, p.PhaseOf, p.Unit = "", 0, 0, ""
	if state != Queued { // who is in the way of one that is tried again is worth knowing meanwhile
		p.Waits = ""
	}
	wanted := map[string]bool{}
	for _, m := range a.run.Migrations {
		wanted[nameOf(m)] = true
	}
	for _, o := range result.Outcomes {
		if wanted[nameOf(a.run.text(o.Version, o.Path))] {
			p.Migrations++
		}
	}
	if state == Done {
		p.Version, p.Path, p.State = "", "", string(Done)
	}
	return p
}

// evidence is what the audit keeps of a result.
func (t storedTask) evidence(result executor.Result) map[string]any {
	kinds := map[string][]string{}
	for _, o := range result.Outcomes {
		kinds[string(o.Kind)] = append(kinds[string(o.Kind)], o.Version)
	}
	data := map[string]any{"attempt": t.Attempts, "outcomes": kinds}
	if t.Failure != nil {
		data["code"], data["version"], data["statement"] = t.Failure.Code, t.Failure.Version, t.Failure.Statement
		data["sqlstate"] = t.Failure.SQLState
	}
	return data
}
