package deploy

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// claim finds the database's next task and marks it running, in one transaction
// with a fresh look at its gate. None: wait is how long until one is due, 0 for
// never.
func (s *Service) claim(ctx context.Context, payload taskPayload) (*attempt, time.Duration, error) {
	if next := payload.Next; next != nil {
		a, err := s.claimNext(ctx, next.on(payload.Database))
		if a != nil || err != nil {
			return a, 0, err
		}
	}
	tasks, err := loadActive(ctx, s.db, payload.Database)
	if err != nil {
		return nil, 0, err
	}
	var wait time.Duration
	for _, t := range tasks {
		if due := t.RetryAt.Sub(s.db.Now()); due > 0 {
			if wait == 0 || due < wait {
				wait = due
			}
			continue
		}
		a, err := s.claimTask(ctx, t)
		if a != nil {
			a.others = len(tasks) > 1
		}
		if a != nil || err != nil {
			return a, 0, err
		}
	}
	return nil, wait, nil
}

// claimNext starts a task that nobody has begun yet, if its gate is open and no
// other one of its database is to run; else nil, and the rows have to be read.
func (s *Service) claimNext(ctx context.Context, t storedTask) (*attempt, error) {
	p, ok := s.cfg.Project(t.project)
	if !ok {
		return nil, nil
	}
	view, err := s.view(ctx, p, t)
	if err != nil || !view.goes {
		return nil, err
	}
	begun, err := s.starts.Do(ctx, starting{task: t, view: view, alone: true})
	return begun.attempt, err
}

// claimTask starts one task if its gate is open now; nil if it may not start.
func (s *Service) claimTask(ctx context.Context, t storedTask) (*attempt, error) {
	p, ok := s.cfg.Project(t.project)
	if !ok {
		s.deps.Log.Warn("A task's project is not configured any more", "task", t.ID, "project", t.project)
		return nil, s.abandon(ctx, t)
	}
	const looks = 2 // the second for a decision that fell since the first
	for range looks {
		view, err := s.view(ctx, p, t)
		if err != nil {
			return nil, err
		}
		moved := false
		if view.goes {
			begun, err := s.starts.Do(ctx, starting{task: t, view: view})
			if moved = begun.moved; err != nil || !moved {
				return begun.attempt, err
			}
		}
		s.forget(p, view.sight) // it is old, or does not let the task go: read anew
		if !moved {
			break
		}
	}
	return s.claimJudged(ctx, p, t)
}

// view is what a worker sees before it starts a task.
type view struct {
	*sight

	stage       StageDecision
	project     Project
	pullRequest int
	run         stageRun
	span        trace.SpanContext // of the worker
	goes        bool              // the gate was open at the sight's revision, and the stage has begun
}

// view judges a task's gate by what is known of the project and by what the
// Authority says now. There is no transaction: the forge may take its time.
func (s *Service) view(ctx context.Context, p Project, t storedTask) (view, error) {
	seen, err := s.look(ctx, p)
	if err != nil {
		return view{}, err
	}
	v := view{sight: seen, project: p, span: trace.SpanContextFromContext(ctx)}
	facts := seen.facts
	l, known := facts.release(t.Release)
	if !known || l.state(t.Environment) != Running {
		return v, nil
	}
	facts.Now, facts.Eligible = s.db.Now(), s.ask(ctx, facts)
	v.stage, known = Decide(facts).Stage(t.Release, t.Environment)
	if !known || !v.stage.Open() {
		return v, nil
	}
	v.pullRequest = l.Release.PullRequest
	v.run, err = s.runOf(ctx, p, seen, t.stage())
	if fault.CodeOf(err) == fault.Invalid {
		return v, nil // claimJudged writes that down
	}
	v.run = v.run.on(s.topology.databases[t.Database])
	v.goes = err == nil
	return v, err
}

// claimJudged starts a task after everything that is known of its project was
// read and judged anew in the same transaction; what follows from it for the
// stage is written down.
func (s *Service) claimJudged(ctx context.Context, p Project, t storedTask) (*attempt, error) {
	facts, err := s.gather(ctx, p)
	if err != nil {
		return nil, err
	}
	var a *attempt
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		a = nil // of a run that was rolled back
		decision, err := s.settle(ctx, tx, p, facts.asked())
		if err != nil {
			return err
		}
		now, err := loadTask(ctx, tx, t.ID)
		if err != nil || !now.State.Active() {
			return err
		}
		stage, known := decision.Stage(t.Release, t.Environment)
		if !known || !stage.Open() {
			return s.holdBack(ctx, tx, now, facts)
		}
		l, _ := facts.release(t.Release)
		v := view{stage: stage, project: p, pullRequest: l.Release.PullRequest, span: trace.SpanContextFromContext(ctx)}
		v.run, err = s.buildRun(ctx, tx, p, t.stage())
		if fault.CodeOf(err) == fault.Invalid { // no later attempt would do better
			now.State, now.Failure, now.FinishedAt = Failed, failureOf(err), tx.Now()
			err = errors.Join(saveTasks(ctx, tx, now), s.auditTask(ctx, tx, "task_failed", now, now.evidence(executor.Result{})))
		} else if err == nil {
			v.run = v.run.on(s.topology.databases[t.Database])
			a, err = s.start(ctx, tx, now, v)
		}
		if err != nil {
			return err
		}
		_, err = s.settle(ctx, tx, p, facts.asked())
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// start marks a task running, with the answers that a person gave for it.
func (s *Service) start(ctx context.Context, tx *store.Tx, t storedTask, v view) (a *attempt, err error) {
	a = s.begin(tx, t, v)
	if a.run.Resolve, err = useResolutions(ctx, tx, t.ID); err != nil {
		return nil, err
	}
	for i, r := range a.run.Resolve {
		a.run.Resolve[i].Version = versionOf(r.Version)
	}
	if err := saveTasks(ctx, tx, a.storedTask); err != nil {
		return nil, err
	}
	if err := audit(ctx, tx, a.startNote()); err != nil {
		return nil, err
	}
	return a, s.taskChanged(a.within(ctx), tx, a)
}

// holdBack takes a task back whose gate has closed since it was queued, and sees
// to it that the gate is looked at again when the forge could not answer.
func (s *Service) holdBack(ctx context.Context, tx *store.Tx, t storedTask, facts Facts) error {
	if err := s.putBack(ctx, tx, t); err != nil {
		return err
	}
	if facts.unsure() {
		if err := s.ringProject(ctx, tx, t.project); err != nil {
			return err
		}
	}
	_, err := s.settle(ctx, tx, facts.Project, facts.asked())
	return err
}

// abandon puts a task back that nobody has begun or ended since it was read.
func (s *Service) abandon(ctx context.Context, t storedTask) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		now, err := loadTask(ctx, tx, t.ID)
		if err != nil || !now.State.Active() || now.Attempts != t.Attempts {
			return err
		}
		return s.putBack(ctx, tx, now)
	})
}

// putBack makes an active task wait for its gate again. Its worker is dead or
// never was, or it would hold the database's job.
func (s *Service) putBack(ctx context.Context, tx *store.Tx, t storedTask) error {
	t.State = Waiting
	if err := saveTasks(ctx, tx, t); err != nil {
		return err
	}
	return s.auditTask(ctx, tx, "task_put_back", t, nil)
}
