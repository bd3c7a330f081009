package queue

import (
	"context"
	"math"
	"slices"

	"github.com/shipsql/shipsql/store"
)

// take claims the job that is due longest of those that this process may run now.
// Workers that are idle at the same time would only race each other, and wait for
// one commit after the other: the first of them claims for all, in one.
func (q *Queue) take(ctx context.Context) (Job, bool) {
	q.waiting.Add(1)
	q.claims.Lock()
	defer q.claims.Unlock()
	others := q.waiting.Add(-1)
	if len(q.taken) == 0 {
		q.taken = q.claim(ctx, 1+int(others))
	}
	if len(q.taken) == 0 {
		return Job{}, false
	}
	job := q.taken[0]
	q.taken = q.taken[1:]
	return job, true
}

// claim takes up to most jobs.
func (q *Queue) claim(ctx context.Context, most int) []Job {
	for ctx.Err() == nil {
		heads, err := q.jobs.heads(ctx, q.openKinds(), q.options.Pools)
		q.heard(ctx, err)
		if err != nil || len(heads) == 0 {
			return nil
		}
		jobs, err := q.claimFirst(ctx, heads, most)
		if store.IsUnique(err) {
			continue // another node was faster with a job of the same key
		}
		q.heard(ctx, err)
		if err != nil {
			return nil
		}
		if len(jobs) > 0 {
			q.countActive(jobs[0].Kind, len(jobs))
			return jobs
		}
	}
	return nil
}

// claimFirst claims the first job, and those of its kind and pool that are due
// before all others; none if another node was faster.
func (q *Queue) claimFirst(ctx context.Context, heads []head, most int) ([]Job, error) {
	by := q.db.Now()
	if len(heads) > 1 {
		by = heads[1].due
	}
	ids, err := q.jobs.due(ctx, heads[0], by, min(most, q.room(heads[0].kind)))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return q.jobs.claim(ctx, ids)
}

// openKinds are the kinds with a handler that are below their limit.
func (q *Queue) openKinds() []string {
	kinds := make([]string, 0, len(q.handlers))
	for kind := range q.handlers {
		if q.room(kind) > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds) // one text, one prepared plan
	return kinds
}

// room is how many more jobs of a kind this process may run now.
func (q *Queue) room(kind string) int {
	limit, limited := q.options.Limits[kind]
	if !limited {
		return math.MaxInt32
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return limit - q.active[kind]
}
