package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

type taskPayload struct {
	Database string `json:"database"`
}

// attempt is one worker's try at a task.
type attempt struct {
	storedTask

	project Project
	env     Environment
	run     executor.Run
	reached bool // the database answered at least once
}

var (
	// errCancelled ends a run whose stage a person cancelled.
	errCancelled = fault.New(fault.Conflict, "the stage was cancelled")
	// errNotMine ends a run that another worker has taken over, or that this
	// process has no time for any more. The task's row stays as it is.
	errNotMine = errors.New("this worker has the task no longer")
)

// handleTask runs what is next on one database. The job is only a ring: which
// task that is, the tasks' rows say, so that a task whose worker died comes
// first and a lost job loses nothing.
func (s *Service) handleTask(ctx context.Context, job queue.Job) error {
	var payload taskPayload
	if err := json.Unmarshal(job.Payload, &payload); err != nil {
		return queue.Permanent(fault.New(fault.Internal, "unreadable job").Because(err))
	}
	a, wait, err := s.claim(ctx, payload.Database)
	if err != nil {
		return err
	}
	if a == nil && wait > 0 {
		return queue.Retry(wait, nil)
	}
	if a == nil {
		return nil
	}
	s.deps.Log.Info("A task starts", "task", a.ID, "database", a.Database, "release", a.Release, "environment", a.Environment)
	result, err := s.apply(ctx, job, a)
	return s.conclude(ctx, a, result, err)
}

// claim finds the database's next task and marks it running, in one
// transaction with a fresh look at its gate. None: wait is how long until one
// is due, 0 for never.
func (s *Service) claim(ctx context.Context, database string) (*attempt, time.Duration, error) {
	tasks, err := loadActive(ctx, s.db, database)
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
		if a != nil || err != nil {
			return a, 0, err
		}
	}
	return nil, wait, nil
}

// claimTask starts one task if its gate is open now; nil if it may not start.
func (s *Service) claimTask(ctx context.Context, t storedTask) (*attempt, error) {
	p, ok := s.cfg.Project(t.project)
	if !ok {
		s.deps.Log.Warn("A task's project is not configured any more", "task", t.ID, "project", t.project)
		return nil, s.db.Tx(ctx, func(tx *store.Tx) error { return s.putBack(ctx, tx, t) })
	}
	facts, err := s.gather(ctx, p)
	if err != nil {
		return nil, err
	}
	var a *attempt
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		decision, err := s.settle(ctx, tx, p, facts.Eligible)
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
		a, err = s.start(ctx, tx, p, now, stage)
		if err != nil {
			return err
		}
		_, err = s.settle(ctx, tx, p, facts.Eligible)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
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
	_, err := s.settle(ctx, tx, facts.Project, facts.Eligible)
	return err
}

// putBack makes an active task wait for its gate again. Its worker is dead or
// never was, or it would hold the database's job.
func (s *Service) putBack(ctx context.Context, tx *store.Tx, t storedTask) error {
	t.State = Waiting
	if err := saveTask(ctx, tx, t); err != nil {
		return err
	}
	return s.auditTask(ctx, tx, "task_put_back", t, nil)
}

func (s *Service) start(ctx context.Context, tx *store.Tx, p Project, t storedTask, d StageDecision) (*attempt, error) {
	run, err := s.buildRun(ctx, tx, p, t, d)
	if fault.CodeOf(err) == fault.Invalid { // no later attempt would do better
		t.State, t.Failure, t.FinishedAt = Failed, failureOf(err), tx.Now()
		return nil, errors.Join(saveTask(ctx, tx, t), s.auditTask(ctx, tx, "task_failed", t, t.evidence(executor.Result{})))
	}
	if err != nil {
		return nil, err
	}
	env, _ := s.cfg.Environment(t.Environment)
	t.State, t.RetryAt = Running, time.Time{}
	t.Attempts++
	if t.StartedAt.IsZero() {
		t.StartedAt = tx.Now()
	}
	t.Progress = Progress{Of: len(run.Migrations)}
	if err := saveTask(ctx, tx, t); err != nil {
		return nil, err
	}
	if err := s.auditTask(ctx, tx, "task_started", t, map[string]any{"attempt": t.Attempts, "actor": run.Actor}); err != nil {
		return nil, err
	}
	return &attempt{storedTask: t, project: p, env: env, run: run}, s.taskChanged(ctx, tx, p, t)
}

// taskChanged tells the bot of a task's new state.
func (s *Service) taskChanged(ctx context.Context, tx *store.Tx, p Project, t storedTask) error {
	release, _, err := s.releaseIn(ctx, tx, t.Release)
	if err != nil {
		return err
	}
	return s.changed(ctx, tx, Change{
		Kind: StageChanged, Project: p, Release: t.Release, PullRequest: release.PullRequest, Environment: t.Environment,
	})
}

func (s *Service) auditTask(ctx context.Context, tx *store.Tx, action string, t storedTask, data any) error {
	return audit(ctx, tx, note{
		action: action, project: t.project, release: t.Release, environment: t.Environment,
		database: t.Database, actor: machine, data: data,
	})
}

// apply runs the attempt on its database.
func (s *Service) apply(ctx context.Context, job queue.Job, a *attempt) (executor.Result, error) {
	database, ok := s.cfg.Database(a.Database)
	if !ok {
		return executor.Result{}, fault.New(fault.Invalid, "the database is not configured any more").
			Then("configure it, then retry; or skip the versions in %s", a.Environment)
	}
	engine, ok := s.deps.Engines[database.Engine]
	if !ok {
		return executor.Result{}, fault.New(fault.Unsupported, "there is no engine %q", database.Engine)
	}
	r := s.reporter(ctx, a)
	run := a.run
	run.Progress = r.event
	run.StillMine = func(ctx context.Context) error { return s.stillMine(ctx, job, a) }
	result, err := engine.Open(database.URL).Apply(ctx, run)
	a.Progress = r.progress
	a.reached = r.reached
	return result, err
}

// stillMine is asked before every file: the job's lease is ours, this attempt is
// the task's latest, and nobody cancelled the stage.
func (s *Service) stillMine(ctx context.Context, job queue.Job, a *attempt) error {
	if err := s.queue.StillMine(ctx, job); err != nil {
		return errors.Join(errNotMine, err)
	}
	t, err := loadTask(ctx, s.db, a.ID)
	if err != nil {
		return errors.Join(errNotMine, err)
	}
	if t.State != Running || t.Attempts != a.Attempts {
		return errNotMine
	}
	cancelled, err := list(ctx, s.db, text,
		`SELECT cancelled FROM deploy_stages WHERE release = $1 AND environment = $2 AND cancelled <> ''`, a.Release, a.Environment)
	if err != nil {
		return errors.Join(errNotMine, err)
	}
	if len(cancelled) > 0 {
		return errCancelled
	}
	return nil
}
