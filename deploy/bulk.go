package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/store"
)

// A stage's tasks are made and queued in batches, each a transaction of its own,
// so that ten thousand databases don't keep everybody else from the one writer.
const (
	makeBatch  = 2500
	queueBatch = 250
)

// ready is a task that is to be queued.
type ready struct {
	id, database, pool string
	next               *nextTask // what its job names
}

func readReady(scan store.Scan) (r ready, err error) { return r, scan(&r.id, &r.database, &r.pool) }

// waitingTasks are the first tasks of a pool that wait for the stage's gate.
func waitingTasks(ctx context.Context, q store.Queryer, key stageKey, pool string, limit int) ([]ready, error) {
	return list(ctx, q, readReady, `SELECT id, database, worker FROM deploy_tasks
		WHERE release = $1 AND environment = $2 AND state = 'waiting' AND worker = $3 ORDER BY retry_at, database LIMIT $4`,
		key.release, key.environment, pool, limit)
}

func queueTasks(ctx context.Context, tx *store.Tx, tasks []ready) error {
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		ids[i] = t.id
	}
	return inChunks(ids, 1, func(placeholders string, args []any) error {
		_, err := tx.Exec(ctx, `UPDATE deploy_tasks SET state = 'queued' WHERE id IN (`+placeholders+`)`, args...)
		return err
	})
}

// takeBack makes a pool's queued tasks wait for the gate again.
func takeBack(ctx context.Context, tx *store.Tx, key stageKey, pool string) error {
	_, err := tx.Exec(ctx, `UPDATE deploy_tasks SET state = 'waiting'
		WHERE release = $1 AND environment = $2 AND state = 'queued' AND worker = $3`, key.release, key.environment, pool)
	return err
}

// skipRest ends the tasks of a stage that has passed without them.
func skipRest(ctx context.Context, tx *store.Tx, key stageKey) error {
	_, err := tx.Exec(ctx, `UPDATE deploy_tasks SET state = 'skipped', finished_at = $3
		WHERE release = $1 AND environment = $2 AND state NOT IN ('done', 'skipped')`,
		key.release, key.environment, micros(tx.Now()))
	return err
}

// stopped is the condition on a stage's tasks that retry runs again: they failed,
// were cancelled, or wait for another try; of one database or (”) of all.
const stopped = `release = $1 AND environment = $2 AND ($3 = '' OR database = $3)
	AND (state IN ('failed', 'cancelled') OR (state = 'queued' AND retry_at > 0))`

// reopenStopped makes them wait for their gate again and names their databases.
func reopenStopped(ctx context.Context, tx *store.Tx, key stageKey, database string) ([]string, error) {
	databases, err := list(ctx, tx, text, `SELECT database FROM deploy_tasks WHERE `+stopped+` ORDER BY database`,
		key.release, key.environment, database)
	if err != nil || len(databases) == 0 {
		return nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE deploy_tasks
		SET state = 'waiting', failure = '', retry_at = 0, started_at = 0, finished_at = 0 WHERE `+stopped,
		key.release, key.environment, database)
	return databases, err
}

// assigned is a database's name and the pool that its task was made for.
type assigned struct{ database, pool string }

// makeTasks brings a stage's tasks in line with the databases that are configured
// now: those without one get it, waiting; those in another pool than before are
// moved. It reports whether that is complete, or more is left for the next time.
func (s *Service) makeTasks(ctx context.Context, tx *store.Tx, r Release, environment string) (complete bool, err error) {
	here := s.topology.stop(r.Project, environment)
	known, err := list(ctx, tx, func(scan store.Scan) (a assigned, err error) { return a, scan(&a.database, &a.pool) },
		`SELECT database, worker FROM deploy_tasks WHERE release = $1 AND environment = $2`, r.ID, environment)
	if err != nil {
		return false, err
	}
	made := make(map[string]bool, len(known))
	for _, a := range known {
		made[a.database] = true
		pool, configured := s.topology.pool(a.database)
		if !configured || pool == a.pool {
			continue
		}
		if _, err := tx.Exec(ctx, `UPDATE deploy_tasks SET worker = $3 WHERE release = $1 AND database = $2`, r.ID, a.database, pool); err != nil {
			return false, err
		}
	}
	missing := slices.DeleteFunc(slices.Clone(here.names), func(name string) bool { return made[name] })
	now := missing[:min(len(missing), makeBatch)]
	for part := range slices.Chunk(now, chunk) {
		if err := s.insertTasks(ctx, tx, r, environment, part); err != nil {
			return false, err
		}
	}
	return len(now) == len(missing), nil
}

// insertTasks makes the tasks of some databases in one statement.
func (s *Service) insertTasks(ctx context.Context, tx *store.Tx, r Release, environment string, databases []string) error {
	args := []any{r.ID, r.Project, environment, micros(tx.Now())}
	var rows []string
	for _, name := range databases {
		pool, _ := s.topology.pool(name)
		n := len(args)
		rows = append(rows, fmt.Sprintf("($%d, $1, $2, $3, $%d, 'waiting', 0, '', '', 0, $4, 0, 0, $%d)", n+1, n+2, n+3))
		args = append(args, s.ids.At(tx.Now()), name, pool)
	}
	values := strings.Join(rows, ", ")
	_, err := tx.Exec(ctx, `INSERT INTO deploy_tasks (`+taskColumns+`) VALUES `+values, args...)
	return err
}
