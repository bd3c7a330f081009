package adjacent_test

import (
	"context"
	"path/filepath"
	"testing"
)

func TestTwoAdjacentVersionsRunAtOnce(t *testing.T) {
	commit := previous(t)
	oldBinary, err := buildCommit(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	root, err := git(t.Context(), "rev-parse", "--show-toplevel")
	if err != nil {
		t.Fatal(err)
	}
	newBinary := filepath.Join(t.TempDir(), "shipsql")
	if err := build(t.Context(), root, newBinary); err != nil {
		t.Fatal(err)
	}
	t.Logf("the version before is %s", commit)
	w := newWorld(t)
	oldWeb, oldWorker := w.node(oldBinary, "old-web", "web"), w.node(oldBinary, "old-worker", "worker")
	newWeb, newWorker := w.node(newBinary, "new-web", "web"), w.node(newBinary, "new-worker", "worker")

	oldWeb.start(t) // alone: it makes the store
	oldWorker.start(t)
	w.deliverTo(oldWeb)
	until(t, "the branch to be known", func(ctx context.Context) error {
		n, err := w.ask(ctx, storeName, "SELECT count(*) FROM deploy_projects")
		if err != nil {
			return err
		}
		return notYet("projects", n, 1)
	})
	w.change()

	newWorker.start(t)
	newWeb.start(t)
	for _, web := range []*node{newWeb, oldWeb, newWeb, oldWeb} {
		w.deliverTo(web)
		w.change()
	}
	w.awaitWork()

	w.deliverTo(newWeb)
	oldWorker.stop(t)
	oldWeb.stop(t)
	w.change()

	oldWorker.start(t) // a rollback, for now beside the new one
	w.change()
	w.change()
	w.verify()
	for _, n := range []*node{newWeb, newWorker, oldWorker} {
		n.stop(t)
	}
}

// awaitWork returns when a release is being rolled out.
func (w *world) awaitWork() {
	w.t.Helper()
	until(w.t, "a release to be rolled out", func(ctx context.Context) error {
		n, err := w.ask(ctx, storeName, "SELECT count(*) FROM deploy_tasks WHERE state IN ('queued', 'running')")
		if err != nil {
			return err
		}
		return notYet("some task is under way", n > 0, true)
	})
}

// verify waits until all that was merged is done, and finds each effect once.
func (w *world) verify() {
	w.t.Helper()
	until(w.t, "all releases to be done", func(ctx context.Context) error {
		n, err := w.ask(ctx, storeName, "SELECT count(*) FROM deploy_releases WHERE finished_at > 0")
		if err != nil {
			return err
		}
		return notYet("releases done", n, w.merged)
	})
	for query, want := range map[string]int{
		"SELECT count(*) FROM deploy_releases":                           w.merged,
		"SELECT count(*) FROM deploy_tasks WHERE state = 'done'":         w.merged * len(targets),
		"SELECT count(*) FROM deploy_tasks WHERE state <> 'done'":        0,
		"SELECT count(*) FROM deploy_audit WHERE action = 'task_failed'": 0,
		"SELECT count(*) FROM queue_jobs WHERE state = 'dead'":           0,
		"SELECT count(*) FROM bot_deliveries WHERE state = 'failed'":     0,
	} {
		if got := w.number(storeName, query); got != want {
			w.t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	for _, target := range targets {
		for query, want := range map[string]int{
			"SELECT n FROM counter":                   w.merged,
			"SELECT count(*) FROM log":                w.merged,
			"SELECT count(DISTINCT version) FROM log": w.merged,
			"SELECT count(*) FROM shipsql.migrations": w.merged,
		} {
			if got := w.number(target, query); got != want {
				w.t.Errorf("%s: %s: %d, want %d", target, query, got, want)
			}
		}
	}
}
