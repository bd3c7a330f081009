package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

// ended is an attempt that ended.
type ended struct {
	attempt *attempt
	task    storedTask // its row from now on
	result  executor.Result
	at      time.Time
}

// endAll writes what became of attempts, in one transaction. One that another
// worker has taken over writes nothing.
func (s *Service) endAll(items []ended) ([]struct{}, error) {
	ctx, cancel := context.WithTimeout(context.Background(), togetherWithin)
	defer cancel()
	tasks := make([]storedTask, len(items))
	for i, e := range items {
		tasks[i] = e.task
	}
	return make([]struct{}, len(items)), s.db.Tx(ctx, func(tx *store.Tx) error {
		finished, err := finishTasks(ctx, tx, tasks)
		if err != nil {
			return err
		}
		var ours []ended
		for _, e := range items {
			if finished.attempts[e.task.ID] == e.task.Attempts {
				ours = append(ours, e)
			}
		}
		if len(ours) == 0 {
			return nil
		}
		busy, err := busyStages(ctx, tx, ours)
		if err != nil {
			return err
		}
		if err := recordEnds(ctx, tx, finished.last, ours); err != nil {
			return err
		}
		for _, e := range ours {
			if err := s.follow(e.attempt.within(ctx), tx, e, busy[e.task.stage()]); err != nil {
				return err
			}
		}
		return nil
	})
}

// busyStages says of the stages of tasks whether others of theirs are under way.
func busyStages(ctx context.Context, tx *store.Tx, ends []ended) (busy map[stageKey]bool, err error) {
	busy = map[stageKey]bool{}
	for _, e := range ends {
		key := e.task.stage()
		if _, asked := busy[key]; asked {
			continue
		}
		if busy[key], err = underWay(ctx, tx, key); err != nil {
			return nil, err
		}
	}
	return busy, nil
}

// recordEnds writes what the databases' ledgers hold now, and the audit.
func recordEnds(ctx context.Context, tx *store.Tx, last link, ends []ended) error {
	var outcomes []outcome
	notes := make([]note, len(ends))
	for i, e := range ends {
		for _, o := range e.result.Outcomes {
			outcomes = append(outcomes, e.attempt.outcome(o.Version, o.Path, outcomeState(o.Kind), e.at))
		}
		notes[i] = e.task.note("task_"+string(e.task.State), e.task.evidence(e.result))
	}
	if err := insertOutcomes(ctx, tx, outcomes); err != nil {
		return err
	}
	return last.audit(ctx, tx, notes...)
}

// follow has the gates behind a task evaluated when its end can change one: at
// once when it was its stage's last under way; when something went wrong, now or
// before, at once too, but not for each of many within a second. Of the others
// only the view is told.
func (s *Service) follow(ctx context.Context, tx *store.Tx, e ended, others bool) (err error) {
	switch trouble := e.task.State != Done || e.attempt.before != nil; {
	case !others, trouble && s.troubled.due(e.task.Release, tx.Now()):
		err = s.ringProject(ctx, tx, e.task.project)
	case trouble:
		err = s.ringProjectAt(ctx, tx, e.task.project, tx.Now().Add(tellEvery))
	}
	if err != nil {
		return err
	}
	return s.taskChanged(ctx, tx, e.attempt)
}
