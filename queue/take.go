package queue

import (
	"context"
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
		ids, err := q.jobs.candidates(ctx, q.db, q.openKinds(nil), q.options.Pools)
		q.heard(ctx, err)
		if err != nil || len(ids) == 0 {
			return nil
		}
		jobs, err := q.claimFrom(ctx, ids[0], most)
		if store.IsUnique(err) {
			continue // another node was faster with a job of the same key
		}
		q.heard(ctx, err)
		if err != nil {
			return nil
		}
		if len(jobs) > 0 {
			for _, job := range jobs {
				q.countActive(job.Kind, 1)
			}
			return jobs
		}
	}
	return nil
}

// claimFrom claims the job, and those next in line, in one transaction; none if
// another node was faster with the first.
func (q *Queue) claimFrom(ctx context.Context, id string, most int) (jobs []Job, err error) {
	ctx, cancel := q.jobs.bounded(ctx)
	defer cancel()
	err = q.db.TxUnordered(ctx, func(tx *store.Tx) error {
		jobs = nil
		for next := id; next != ""; {
			job, ok, err := q.jobs.claim(ctx, tx, next)
			if err != nil || !ok {
				return err
			}
			if jobs = append(jobs, job); len(jobs) == most {
				return nil
			}
			ids, err := q.jobs.candidates(ctx, tx, q.openKinds(jobs), q.options.Pools)
			if err != nil || len(ids) == 0 {
				return err
			}
			next = ids[0]
		}
		return nil
	})
	return jobs, err
}

// openKinds are the kinds with a handler that are below their limit, once the
// given jobs run too.
func (q *Queue) openKinds(taken []Job) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	kinds := make([]string, 0, len(q.handlers))
	for kind := range q.handlers {
		running := q.active[kind]
		for _, job := range taken {
			if job.Kind == kind {
				running++
			}
		}
		if limit, limited := q.options.Limits[kind]; !limited || running < limit {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds) // one text, one prepared plan
	return kinds
}
