package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

// progressEvery is how often a running task's progress is stored.
const progressEvery = time.Second

// reporter turns the executor's events into stored progress. Storing it is
// cosmetic, so it never fails the task; what was applied is told again at the
// end.
type reporter struct {
	service  *Service
	ctx      context.Context //nolint:containedctx // events carry none
	attempt  *attempt
	progress Progress
	outcomes []outcome // applied and not stored yet
	stored   time.Time // when progress was stored last
	reached  bool      // the database answered
}

func (s *Service) reporter(ctx context.Context, a *attempt) *reporter {
	return &reporter{
		service: s, ctx: context.WithoutCancel(ctx), attempt: a, progress: a.Progress,
		stored: s.db.Now(), // a task that is done within a second has no progress to show
	}
}

// event takes one step of progress; the executor calls it synchronously.
func (r *reporter) event(e executor.Event) {
	r.reached = true
	p := &r.progress
	p.Version, p.Path, p.Statement, p.Total = e.Version, e.Path, e.Statement, e.Total
	p.State, p.Rows = string(e.State), e.Rows
	p.Phase, p.PhaseDone, p.PhaseOf, p.Unit = e.Phase, e.Done, e.Of, e.Unit
	switch e.State {
	case executor.EventProgress, executor.EventWaiting:
		p.Waits = e.Detail
	case executor.EventRetrying: // for the one it waited for last
	default:
		p.Waits = ""
	}
	now := r.service.db.Now()
	if e.State == executor.EventApplied {
		r.attempt.sureUntil = time.Time{}
		p.Migrations++
		r.outcomes = append(r.outcomes, r.attempt.outcome(e.Version, e.Path, Done, now))
	}
	if e.State == executor.EventSkipped {
		r.outcomes = append(r.outcomes, r.attempt.outcome(e.Version, e.Path, Skipped, now))
	}
	if now.Sub(r.stored) >= progressEvery {
		r.stored = now
		r.store()
	}
}

func (r *reporter) store() {
	a := r.attempt
	err := r.service.db.Tx(r.ctx, func(tx *store.Tx) error {
		if err := saveProgress(r.ctx, tx, a.storedTask, r.progress); err != nil {
			return err
		}
		if err := insertOutcomes(r.ctx, tx, r.outcomes); err != nil {
			return err
		}
		return r.service.changed(r.ctx, tx, a.change(TaskProgressed))
	})
	if err != nil {
		r.service.deps.Log.Warn("A task's progress could not be stored", "task", a.ID, "error", err)
		return
	}
	r.outcomes = nil
}

// outcome is what the task's database is now known to hold of a version.
func (a *attempt) outcome(version, path string, state State, at time.Time) outcome {
	m := a.run.text(version, path)
	return outcome{
		project: a.project.ID(), database: a.Database, environment: a.Environment, release: a.Release,
		version: nameOf(m), repeatable: m.Kind == executor.Repeatable, path: m.Path, checksum: m.Checksum, state: state, at: at,
	}
}
