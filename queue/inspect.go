package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// Stat is how many jobs of a kind are in a state.
type Stat struct {
	Kind  string
	State State
	Jobs  int
}

// One part per state, so that each uses its index and none reads what is done.
const statsSQL = `
SELECT kind, 'ready', count(*) FROM queue_jobs WHERE state = 'ready' GROUP BY kind
UNION ALL SELECT kind, 'running', count(*) FROM queue_jobs WHERE state = 'running' GROUP BY kind
UNION ALL SELECT kind, 'dead', count(*) FROM queue_jobs WHERE state = 'dead' GROUP BY kind`

// Stats counts the jobs that are not done, in no particular order.
func (q *Queue) Stats(ctx context.Context) ([]Stat, error) {
	rows, err := q.db.Query(ctx, statsSQL)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (s Stat, err error) {
		return s, scan(&s.Kind, &s.State, &s.Jobs)
	})
}

// DeadJob is a job that was given up.
type DeadJob struct {
	Job

	LastError string // with secrets taken out
	At        time.Time
}

const (
	anyDeadSQL  = `SELECT ` + columns + `, last_error, updated_at FROM queue_jobs WHERE state = 'dead'`
	deadSQL     = anyDeadSQL + ` ORDER BY id LIMIT $1`
	deadByIDSQL = anyDeadSQL + ` AND id = $1`
)

// Dead lists up to limit jobs that were given up, oldest first.
func (q *Queue) Dead(ctx context.Context, limit int) ([]DeadJob, error) {
	return q.dead(ctx, deadSQL, limit)
}

// DeadByID finds one of them: not_found when no such job is dead.
func (q *Queue) DeadByID(ctx context.Context, id string) (DeadJob, error) {
	found, err := q.dead(ctx, deadByIDSQL, id)
	if err != nil {
		return DeadJob{}, err
	}
	if len(found) == 0 {
		return DeadJob{}, noSuchDead(id)
	}
	return found[0], nil
}

func (q *Queue) dead(ctx context.Context, query string, arg any) ([]DeadJob, error) {
	rows, err := q.db.Query(ctx, query, arg)
	if err != nil {
		return nil, fmt.Errorf("list dead jobs: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (d DeadJob, err error) {
		var at int64
		d.Job, err = scanJob(func(dest ...any) error { return scan(append(dest, &d.LastError, &at)...) })
		d.At = store.FromMicros(at)
		return d, err
	})
}

const reviveSQL = `
UPDATE queue_jobs SET state = 'ready', attempts = 0, run_after = $1, last_error = '', updated_at = $1
WHERE id = $2 AND state = 'dead'`

// Revive makes a dead job ready again with no failures: not_found when no such
// job is dead, conflict when a newer coalescing one is ready in its stead.
func (q *Queue) Revive(ctx context.Context, id string) error {
	err := q.db.Tx(ctx, func(tx *store.Tx) error {
		err := changedOne(tx.Exec(ctx, reviveSQL, store.Micros(tx.Now()), id))
		tx.AfterCommit(func() { q.ring(context.WithoutCancel(ctx), id) })
		return err
	})
	switch {
	case err == nil:
		return nil
	case store.IsUnique(err):
		return fault.New(fault.Conflict, "a newer job of the same kind and key is ready").At("job " + id)
	case errors.Is(err, errLost):
		return noSuchDead(id)
	default:
		return fmt.Errorf("revive job %s: %w", id, err)
	}
}

const discardSQL = `DELETE FROM queue_jobs WHERE id = $1 AND state = 'dead'`

// Discard removes a dead job for good: not_found when no such job is dead.
func (q *Queue) Discard(ctx context.Context, id string) error {
	err := changedOne(q.db.Exec(ctx, discardSQL, id))
	switch {
	case errors.Is(err, errLost):
		return noSuchDead(id)
	case err != nil:
		return fmt.Errorf("discard job %s: %w", id, err)
	}
	return nil
}

func noSuchDead(id string) error {
	return fault.New(fault.NotFound, "no such dead job").At("job " + id)
}

// What is busy, and when the first of the rest is due.
const busySQL = `
SELECT (SELECT count(*) FROM queue_jobs WHERE state = 'running')
     + (SELECT count(*) FROM queue_jobs j WHERE j.state = 'ready' AND j.run_after <= $1 AND ` + first + `),
       (SELECT coalesce(min(run_after), $2) FROM queue_jobs WHERE state = 'ready' AND run_after > $1)`

// idlePoll is how often Idle looks.
const idlePoll = 5 * time.Millisecond

// Idle returns when no job runs and none could, by ctx's end at the latest. Jobs
// for later, failed ones that wait for their next attempt, and what stands behind
// those don't count. It is for tests and the demo.
func (q *Queue) Idle(ctx context.Context) error {
	tick := time.NewTicker(idlePoll)
	defer tick.Stop()
	for {
		busy, err := q.busy(ctx)
		if err != nil || busy == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d jobs are not done: %w", busy, ctx.Err())
		case <-tick.C:
		}
	}
}

// busy counts the jobs that run or could. The time it asks for is older than
// what it sees: a job that became due, or was enqueued, in between counts too.
func (q *Queue) busy(ctx context.Context) (busy int, err error) {
	var due int64
	err = q.db.QueryRow(ctx, busySQL, store.Micros(q.db.Now()), int64(math.MaxInt64)).Scan(&busy, &due)
	if err == nil && busy == 0 && due <= store.Micros(q.db.Now()) {
		busy = 1
	}
	return busy, err
}
