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
var together = batch.Options{Lanes: 1, Most: 32}

// togetherWithin bounds such a transaction.
const togetherWithin = 30 * time.Second

// sureFor is how long a start answers for: too short for a lease to end.
const sureFor = time.Second

// starting is a task whose gate was seen open.
type starting struct {
	task storedTask
	view view
}

// started is what became of it: an attempt; or a decision fell since the view, or
// another worker began it, so that it is to be judged again; or neither, and
// nothing is to start.
type started struct {
	attempt *attempt
	moved   bool
}

// startAll starts tasks, each if no decision fell since its gate was seen open.
func (s *Service) startAll(items []starting) (results []started, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), togetherWithin)
	defer cancel()
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.task.ID
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		results = make([]started, len(items)) // of a run that was rolled back nothing stays
		found, err := loadClaimable(ctx, tx, ids...)
		if err != nil {
			return err
		}
		var begun []*attempt
		taken := make(map[string]bool, len(items)) // of two that have one task, one has lost its lease
		for i, item := range items {
			now := found[item.task.ID]
			switch {
			case !now.State.Active():
			case now.revision != item.view.revision, taken[now.ID]:
				results[i].moved = true
			default:
				if results[i].attempt, err = s.begin(ctx, tx, now, item.view); err != nil {
					return err
				}
				begun, taken[now.ID] = append(begun, results[i].attempt), true
			}
		}
		return s.markStarted(ctx, tx, begun...)
	})
	return results, err
}

// begin is a task's next attempt. Nothing of it is stored yet, but the answers
// that it uses up.
func (s *Service) begin(ctx context.Context, tx *store.Tx, t claimable, v view) (*attempt, error) {
	env, _ := s.cfg.Environment(t.Environment)
	a := &attempt{
		project: v.project, pullRequest: v.pullRequest, env: env, run: v.run.on(s.topology.databases[t.Database]),
		before: t.Failure, span: v.span,
	}
	a.run.Task, a.run.Actor = t.ID, actorsOf(v.stage)
	if t.answered {
		var err error
		if a.run.Resolve, err = useResolutions(ctx, tx, t.ID); err != nil {
			return nil, err
		}
		for i, r := range a.run.Resolve {
			a.run.Resolve[i].Version = versionOf(r.Version)
		}
	}
	a.sureUntil = time.Now().Add(sureFor)
	a.storedTask = t.storedTask
	a.State, a.RetryAt = Running, time.Time{}
	a.Attempts++
	if a.StartedAt.IsZero() {
		a.StartedAt = tx.Now()
	}
	a.Progress = Progress{Of: len(a.run.Migrations)}
	return a, nil
}

// markStarted marks the attempts' tasks running.
func (s *Service) markStarted(ctx context.Context, tx *store.Tx, attempts ...*attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	tasks, notes := make([]storedTask, len(attempts)), make([]note, len(attempts))
	for i, a := range attempts {
		tasks[i] = a.storedTask
		notes[i] = a.note("task_started", map[string]any{"attempt": a.Attempts, "actor": a.run.Actor})
	}
	if err := saveTasks(ctx, tx, tasks...); err != nil {
		return err
	}
	if err := audit(ctx, tx, notes...); err != nil {
		return err
	}
	for _, a := range attempts {
		if err := s.taskChanged(a.within(ctx), tx, a); err != nil {
			return err
		}
	}
	return nil
}
