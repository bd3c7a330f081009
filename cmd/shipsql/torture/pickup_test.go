package torture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// budget is how long a dead worker's task may wait for another (DESIGN §9).
const budget = 20 * time.Second

// Workers are killed in the middle of slow migrations, with the leases of the
// product: how long does it take until another worker has the task?
func TestADeadWorkersTaskIsTakenUp(t *testing.T) {
	t.Parallel()
	kills := 3
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		kills = 12
	}
	names := []string{"orders-test"}
	for i := range 12 {
		names = append(names, fmt.Sprintf("orders-%d", i))
	}
	seed := seedOf(t)
	t.Logf("seed %d", seed)
	w, err := build(t.Context(), t.TempDir(), seed, names...)
	t.Cleanup(func() { _ = w.close() })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.nodes(t.Context(), 4, false); err != nil {
		t.Fatal(err)
	}
	author := writer{}
	story := []migration{author.next(), {version: 2, path: path(2, "slow"), statements: []string{
		"UPDATE counter SET n = n + 1 WHERE id = 1", "SELECT pg_sleep(CASE current_database() WHEN '" + names[0] + "' THEN 0 ELSE 5 END)", "INSERT INTO log VALUES (2)",
	}}}
	p := &people{world: w}
	measured := make(chan []time.Duration, 1)
	go func() { measured <- w.measurePickUps(t.Context(), w.random("kills"), kills) }()
	if err := p.batch(t.Context(), []change{{migrations: story}}); err != nil {
		t.Fatal(err)
	}
	waits := <-measured
	if err := w.quiet(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	problems, err := w.verifyDatabases(t.Context(), story)
	if problems = append(problems, w.rest()...); err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if len(waits) < kills {
		t.Fatalf("%d kills orphaned %d tasks only", kills, len(waits))
	}
	slices.Sort(waits)
	median, longest := waits[len(waits)/2], waits[len(waits)-1]
	t.Logf("%d tasks of %d killed workers were taken up again after %s (median), %s (maximum)",
		len(waits), kills, median.Round(time.Millisecond), longest.Round(time.Millisecond))
	if longest > budget {
		t.Errorf("a task waited for %s, want at most %s: %v", longest, budget, waits)
	}
}

// measurePickUps kills so many workers, each a moment after it began a task, and
// returns how long their tasks waited for the next one. The next worker is killed
// only when all have one again, or a task would wait for two deaths.
func (w *world) measurePickUps(ctx context.Context, r *rand.Rand, kills int) (waits []time.Duration) {
	var died time.Time
	var orphans []string
	for kills > 0 || len(orphans) > 0 {
		var s started
		select {
		case <-ctx.Done():
			return waits
		case <-time.After(patience): // nothing is left to run
			return waits
		case s = <-w.started:
		}
		if s.at.After(died) && slices.Contains(orphans, s.task) { // not of the dead one's own start
			waits = append(waits, s.at.Sub(died))
			orphans = slices.DeleteFunc(orphans, func(task string) bool { return task == s.task })
		}
		if kills == 0 || len(orphans) > 0 || s.database == w.databases[0] {
			continue
		}
		if !pause(ctx, time.Duration(200+r.IntN(2000))*time.Millisecond) {
			return waits
		}
		died = time.Now()
		if p := s.node.signal(syscall.SIGKILL); p != nil {
			kills--
			orphans = w.orphansOf(ctx, s.node, p)
		}
	}
	return waits
}

// orphansOf are the tasks that a dead process had.
func (w *world) orphansOf(ctx context.Context, n *node, p *process) (tasks []string) {
	running, err := w.list(ctx, w.store, storeName, "SELECT id FROM deploy_tasks WHERE state = 'running'")
	if err != nil {
		return nil // the store is never broken here; the count of tasks would tell
	}
	for _, task := range running {
		if n.began(p, task) {
			tasks = append(tasks, task)
		}
	}
	return tasks
}
