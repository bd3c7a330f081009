package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/store"
)

// Tasks that start, or end, while others do share a transaction and its
// statements: under load the round trips and the commit are most of what a short
// task costs here.
var together = batch.Options{Lanes: 1, Most: 32, Rest: 3}

// togetherWithin bounds such a transaction.
const togetherWithin = 30 * time.Second

// sureFor is how long a start answers for: too short for a lease to end.
const sureFor = time.Second

// starting is a task whose gate was seen open.
type starting struct {
	task  storedTask
	view  view
	alone bool // only if no other task is queued or running on its database
}

// started is what became of it: an attempt; or a decision fell since the view, or
// another worker began it, so that it is to be judged again.
type started struct {
	attempt *attempt
	moved   bool
}

// startAll starts tasks, each if nothing has changed since its gate was seen open.
func (s *Service) startAll(items []starting) (results []started, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), togetherWithin)
	defer cancel()
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		results = make([]started, len(items)) // of a run that was rolled back nothing stays
		begun, last, err := startTasks(ctx, tx, items)
		if err != nil {
			return err
		}
		var attempts []*attempt
		for i, item := range items {
			if results[i].moved = !begun[i]; !begun[i] {
				continue
			}
			results[i].attempt = s.begin(tx, item.task, item.view)
			attempts = append(attempts, results[i].attempt)
		}
		return s.noteStarted(ctx, tx, last, attempts...)
	})
	return results, err
}

// begin is a task's next attempt. Nothing of it is stored yet.
func (s *Service) begin(tx *store.Tx, t storedTask, v view) *attempt {
	env, _ := s.cfg.Environment(t.Environment)
	a := &attempt{
		project: v.project, pullRequest: v.pullRequest, env: env, run: v.run, before: t.Failure, span: v.span,
	}
	a.run.Task, a.run.Actor = t.ID, actorsOf(v.stage)
	a.sureUntil = time.Now().Add(sureFor)
	a.storedTask = t
	a.State, a.RetryAt = Running, time.Time{}
	a.Attempts++
	if a.StartedAt.IsZero() {
		a.StartedAt = tx.Now()
	}
	a.Progress = a.run.progress()
	return a
}

// noteStarted tells of attempts whose tasks were marked running.
func (s *Service) noteStarted(ctx context.Context, tx *store.Tx, last link, attempts ...*attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	notes := make([]note, len(attempts))
	for i, a := range attempts {
		notes[i] = a.startNote()
	}
	if err := last.audit(ctx, tx, notes...); err != nil {
		return err
	}
	for _, a := range attempts {
		if err := s.taskChanged(a.within(ctx), tx, a); err != nil {
			return err
		}
	}
	return nil
}

func (a *attempt) startNote() note {
	return a.note("task_started", map[string]any{"attempt": a.Attempts, "actor": a.run.Actor})
}
