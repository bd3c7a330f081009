package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shipsql/shipsql/store"
)

// Worker is a process that runs jobs, as it last said itself.
type Worker struct {
	Node   string
	Pools  []string // sorted; "" is the default pool
	Since  time.Time
	SeenAt time.Time
	Online bool // it was heard of within a lease
}

// remembered is how long a process that died is listed.
const remembered = time.Hour

const workersSQL = `SELECT id, node, pools, since, seen_at FROM queue_workers WHERE seen_at > $1 ORDER BY node, id`

// Workers lists the processes that ran jobs within the last hour, those that
// stopped in order excepted. This process knows of itself without the store.
func (q *Queue) Workers(ctx context.Context) ([]Worker, error) {
	now := q.db.Now()
	rows, err := q.db.Query(ctx, workersSQL, store.Micros(now.Add(-remembered)))
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	self, working := q.self()
	workers, err := store.Collect(rows, func(scan store.Scan) (w Worker, err error) {
		var id, pools string
		var since, seen int64
		if err := scan(&id, &w.Node, &pools, &since, &seen); err != nil {
			return w, err
		}
		w.Since, w.SeenAt = store.FromMicros(since), store.FromMicros(seen)
		if working && id == self {
			w.SeenAt = now
		}
		w.Online = now.Sub(w.SeenAt) < q.options.Lease
		return w, json.Unmarshal([]byte(pools), &w.Pools)
	})
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	return workers, nil
}

// OnlinePools are the pools that a living worker serves; "" is the default pool.
func (q *Queue) OnlinePools(ctx context.Context) (map[string]bool, error) {
	workers, err := q.Workers(ctx)
	if err != nil {
		return nil, err
	}
	online := map[string]bool{}
	for _, w := range workers {
		for _, pool := range w.Pools {
			online[pool] = online[pool] || w.Online
		}
	}
	if _, working := q.self(); working { // before its first beat is stored, too
		for _, pool := range q.options.Pools {
			online[pool] = true
		}
	}
	return online, nil
}

const (
	beatSQL = `
INSERT INTO queue_workers (id, node, pools, since, seen_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`
	leaveSQL = `DELETE FROM queue_workers WHERE id = $1`
	pruneSQL = `DELETE FROM queue_workers WHERE seen_at < $1`
)

// heartbeat says that this process works, from its first beat until ctx is done.
// It beats as often as leases are renewed, and counts as dead after a lease too.
func (q *Queue) heartbeat(ctx context.Context) {
	id, _ := q.self()
	defer q.leave(context.WithoutCancel(ctx), id)
	tick := time.NewTicker(q.options.Renew)
	defer tick.Stop()
	for {
		q.heard(ctx, q.beat(ctx, id))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat writes that the process lives, and forgets who died long ago.
func (q *Queue) beat(ctx context.Context, id string) error {
	ctx, cancel := q.jobs.bounded(ctx)
	defer cancel()
	pools, err := json.Marshal(slices.Sorted(slices.Values(q.options.Pools)))
	if err != nil {
		return err
	}
	now := q.db.Now()
	if _, err := q.db.Exec(ctx, beatSQL, id, q.options.Node, string(pools), store.Micros(now)); err != nil {
		return err
	}
	_, err = q.db.Exec(ctx, pruneSQL, store.Micros(now.Add(-remembered)))
	return err
}

// leavePatience is how long a stopping process tries to say goodbye. If it can't,
// it counts as dead a lease later.
const leavePatience = 2 * time.Second

func (q *Queue) leave(ctx context.Context, id string) {
	q.setSelf("")
	ctx, cancel := context.WithTimeout(ctx, leavePatience)
	defer cancel()
	_, err := q.db.Exec(ctx, leaveSQL, id)
	q.heard(ctx, err)
}

// self is this process's row, while it works.
func (q *Queue) self() (id string, working bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.selfID, q.selfID != ""
}

func (q *Queue) setSelf(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.selfID = id
}
