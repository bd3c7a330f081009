package deploy

import (
	"context"
	"maps"
	"slices"

	"github.com/shipsql/shipsql/store"
)

// Tally counts a stage's tasks by the pool of their database, then by state.
type Tally map[string]map[State]int

// In is how many tasks are in one of the states, over all pools.
func (t Tally) In(states ...State) int {
	n := 0
	for _, pool := range t {
		for _, s := range states {
			n += pool[s]
		}
	}
	return n
}

// Total is how many tasks there are.
func (t Tally) Total() int {
	n := 0
	for _, pool := range t {
		for _, k := range pool {
			n += k
		}
	}
	return n
}

// Add counts n more tasks.
func (t Tally) Add(pool string, s State, n int) {
	if t[pool] == nil {
		t[pool] = map[State]int{}
	}
	t[pool][s] += n
}

// States are the counts over all pools.
func (t Tally) States() map[State]int {
	sum := map[State]int{}
	for _, pool := range t {
		for s, n := range pool {
			sum[s] += n
		}
	}
	return sum
}

// loadTally counts a stage's tasks, and those of them that are tried again later.
func loadTally(ctx context.Context, q store.Queryer, key stageKey) (Tally, int, error) {
	tally, retrying := Tally{}, 0
	type row struct {
		pool            string
		state           State
		tasks, retrying int
	}
	rows, err := list(ctx, q, func(scan store.Scan) (r row, err error) {
		return r, scan(&r.pool, &r.state, &r.tasks, &r.retrying)
	}, `SELECT worker, state, count(*), sum(CASE WHEN retry_at <> 0 THEN 1 ELSE 0 END)
		FROM deploy_tasks WHERE release = $1 AND environment = $2 GROUP BY worker, state`, key.release, key.environment)
	for _, r := range rows {
		tally.Add(r.pool, r.state, r.tasks)
		retrying += r.retrying
	}
	return tally, retrying, err
}

// musterAgain counts a stage's tasks by the pools that are configured now, and
// the databases that have none yet: the configuration is another than when the
// tasks were made.
func musterAgain(ctx context.Context, q store.Queryer, key stageKey, now stop, t topology) (Tally, map[string]int, error) {
	tally, missing := Tally{}, now.count()
	rows, err := q.Query(ctx, `SELECT database, worker, state FROM deploy_tasks WHERE release = $1 AND environment = $2`,
		key.release, key.environment)
	if err != nil {
		return nil, nil, err
	}
	_, err = store.Collect(rows, func(scan store.Scan) (none struct{}, err error) {
		var database, pool string
		var state State
		if err := scan(&database, &pool, &state); err != nil {
			return none, err
		}
		if configured, ok := t.pool(database); ok {
			pool = configured
		}
		tally.Add(pool, state, 1)
		if _, here := slices.BinarySearch(now.names, database); here {
			missing[pool]--
		}
		return none, nil
	})
	maps.DeleteFunc(missing, func(_ string, n int) bool { return n == 0 })
	return tally, missing, err
}

// loadTrouble reads the first tasks of a stage that need a person or are tried
// again.
func loadTrouble(ctx context.Context, q store.Queryer, key stageKey, f StageFacts) ([]Task, error) {
	var trouble []Task
	for _, state := range []State{Ambiguous, Failed, Cancelled, Queued} {
		n := f.Tasks.In(state)
		if state == Queued {
			n = f.Retrying
		}
		if n == 0 {
			continue
		}
		found, err := loadStageTasks(ctx, q, key, state, state == Queued, maxTrouble)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			trouble = append(trouble, t.Task)
		}
	}
	return trouble, nil
}
