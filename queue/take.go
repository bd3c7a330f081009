package queue

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/shipsql/shipsql/store"
)

// take claims the job that is due longest of those that this process may run now.
// Workers that are idle at the same time would only race each other, and wait for
// one commit after the other: they share a claim.
func (q *Queue) take(ctx context.Context) (Job, bool) {
	job, err := q.takes.Do(ctx, struct{}{})
	if err != nil || job == nil {
		return Job{}, false
	}
	return *job, true
}

// takeAll claims a job for each of some workers, as far as there are jobs.
func (q *Queue) takeAll(workers []struct{}) (taken []*Job, err error) {
	taken = make([]*Job, len(workers))
	for i, job := range q.claim(context.Background(), len(workers)) {
		taken[i] = &job
	}
	return taken, nil
}

// claim takes up to most jobs.
func (q *Queue) claim(ctx context.Context, most int) []Job {
	for !q.Stopping() {
		ids, err := q.candidates(ctx, most)
		q.heard(ctx, err)
		if err != nil || len(ids) == 0 {
			return nil
		}
		jobs, err := q.jobs.claim(ctx, ids)
		if len(jobs) < len(ids) {
			q.outlook = outlook{} // it is old
		}
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

// outlook are the first jobs of a kind and pool, as they were when somebody looked
// last. A claim finds out whether they still are, so it needs no look of its own.
type outlook struct {
	kind  string
	ids   []string
	until time.Time
}

// A look is for so many jobs, and as long as it is used no other kind's or pool's
// comes first.
const (
	ahead    = 32
	aheadFor = time.Second
)

// candidates are up to most jobs to claim: the first of all, and those of its kind
// and pool that are due before all others.
func (q *Queue) candidates(ctx context.Context, most int) ([]string, error) {
	old := len(q.outlook.ids) == 0 || q.db.Now().After(q.outlook.until)
	if old || q.room(q.outlook.kind) <= 0 {
		if err := q.look(ctx); err != nil {
			return nil, err
		}
	}
	n := min(most, q.room(q.outlook.kind), len(q.outlook.ids))
	ids := q.outlook.ids[:n]
	q.outlook.ids = q.outlook.ids[n:]
	return ids, nil
}

// look takes a new outlook.
func (q *Queue) look(ctx context.Context) error {
	q.outlook = outlook{}
	heads, err := q.jobs.heads(ctx, q.openKinds(), q.options.Pools)
	if err != nil || len(heads) == 0 {
		return err
	}
	now := q.db.Now()
	by := now
	if len(heads) > 1 {
		by = heads[1].due
	}
	ids, err := q.jobs.due(ctx, heads[0], by, ahead)
	q.outlook = outlook{kind: heads[0].kind, ids: ids, until: now.Add(aheadFor)}
	return err
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
