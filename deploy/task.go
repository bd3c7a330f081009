package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

type taskPayload struct {
	Database string    `json:"database"`
	Next     *nextTask `json:"next,omitempty"`
}

// nextTask is the task for which a database's job was made, which most likely is
// the next one there, and as it was made: who starts it makes sure.
type nextTask struct {
	ID          string `json:"id"`
	Project     string `json:"project"`
	Release     string `json:"release"`
	Environment string `json:"environment"`
}

func (n nextTask) on(database string) storedTask {
	return storedTask{project: n.Project,
		Task: Task{ID: n.ID, Release: n.Release, Environment: n.Environment, Database: database, State: Queued}}
}

// attempt is one worker's try at a task.
type attempt struct {
	storedTask

	project     Project
	pullRequest int // the release's
	env         Environment
	run         stageRun
	before      *Failure          // of the attempt before this one
	reached     bool              // the database answered at least once
	others      bool              // more tasks were due on the database, or will be
	sureUntil   time.Time         // the transaction that started it answers for so long whether it is ours
	span        trace.SpanContext // of the worker
}

var (
	// errCancelled ends a run whose stage a person cancelled.
	errCancelled = fault.New(fault.Conflict, "the stage was cancelled")
	// errNotMine ends a run that another worker has taken over, or that this
	// process has no time for any more. The task's row stays as it is.
	errNotMine = errors.New("this worker has the task no longer")
)

// handleTask runs what is due on one database, one task after the other. The job
// is only a ring: which task is next, the tasks' rows say, so that a task whose
// worker died comes first and a lost job loses nothing.
func (s *Service) handleTask(ctx context.Context, job queue.Job) error {
	var payload taskPayload
	if err := json.Unmarshal(job.Payload, &payload); err != nil {
		return queue.Permanent(fault.New(fault.Internal, "unreadable job").Because(err))
	}
	for {
		a, wait, err := s.claim(ctx, payload)
		payload.Next = nil // it is begun, or another is next
		switch {
		case err != nil:
			return err
		case a == nil && wait > 0:
			return queue.Retry(wait, nil)
		case a == nil:
			return nil
		}
		s.deps.Log.Info("A task starts", "task", a.ID, "database", a.Database, "release", a.Release, "environment", a.Environment)
		result, err := s.apply(ctx, a)
		again, err := s.conclude(ctx, a, result, err)
		// A task that is queued from now on rings for itself.
		if err != nil || !again && !a.others {
			return err
		}
		if s.queue.StillMine(ctx, job) != nil { // the process stops, or another has the database
			return queue.Retry(time.Second, nil)
		}
	}
}

// apply runs the attempt on its database.
func (s *Service) apply(ctx context.Context, a *attempt) (executor.Result, error) {
	database, ok := s.topology.databases[a.Database]
	if !ok {
		return executor.Result{}, fault.New(fault.Invalid, "the database is not configured any more").
			Then("configure it, then retry; or skip the versions in %s", a.Environment)
	}
	engine, ok := s.deps.Engines[database.Engine]
	if !ok {
		return executor.Result{}, fault.New(fault.Unsupported, "there is no engine %q", database.Engine)
	}
	r := s.reporter(ctx, a)
	run := a.run.Run
	run.Role = database.SetRole
	run.Progress = r.event
	run.StillMine = func(ctx context.Context) error { return s.stillMine(ctx, a) }
	// What runs on after the lease is lost, or while the process stops, can be
	// cancelled by a person all the same.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	run.Cancel = s.wish(watching, a)
	result, err := traced(ctx, a, func(ctx context.Context) (_ executor.Result, err error) {
		target := engine.Open(database.URL)
		if run.Companion, err = companion(ctx, a.project, database, target, run); err != nil {
			return executor.Result{}, err
		}
		return target.Apply(ctx, run)
	})
	a.Progress = r.progress
	a.reached = r.reached
	return result, err
}

// stillMine is asked before every file: this attempt is the task's latest, nobody
// cancelled the stage, and the process goes on. Whoever takes the database's job
// over takes the task over too, so the task's row tells of a lost lease as well.
// The start itself has answered for the moment after it, before anything was
// applied.
func (s *Service) stillMine(ctx context.Context, a *attempt) error {
	if s.queue.Stopping() {
		return errNotMine
	}
	if time.Now().Before(a.sureUntil) {
		return nil
	}
	var state State
	var attempts int
	var cancelled string
	err := s.db.QueryRow(ctx, `SELECT state, attempts, coalesce((SELECT s.cancelled FROM deploy_stages s
			WHERE s.release = deploy_tasks.release AND s.environment = deploy_tasks.environment), '')
		FROM deploy_tasks WHERE id = $1`, a.ID).
		Scan(&state, &attempts, &cancelled)
	switch {
	case err != nil:
		return errors.Join(errNotMine, err)
	case state != Running || attempts != a.Attempts:
		return errNotMine
	case cancelled != "":
		return errCancelled
	}
	return nil
}

func (s *Service) auditTask(ctx context.Context, tx *store.Tx, action string, t storedTask, data any) error {
	return audit(ctx, tx, t.note(action, data))
}

// note is a decision on the task that concerns no other.
func (t storedTask) note(action string, data any) note {
	return note{
		action: action, project: t.project, release: t.Release, environment: t.Environment,
		database: t.Database, actor: machine, data: data, routine: true,
	}
}
