package torture_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// result is what a round came to.
type result struct {
	Seed       uint64
	Migrations int
	Releases   int
	Counts     counts
	Took       time.Duration
}

// size is how much one round does.
type size struct {
	Migrations int
	Faults     counts
	Window     time.Duration // in which the faults are to happen, roughly
}

// play plays a round in a folder. Problems are what is not as it must be; then
// the folder is left, with all logs and the store's contents.
func (s size) play(ctx context.Context, folder string, seed uint64, tell func(string)) (result, error) {
	began := time.Now()
	w, err := build(ctx, folder, seed, orders...)
	if err != nil {
		return result{}, errors.Join(err, w.close())
	}
	f := newFaults(w, s)
	p := &people{world: w, writer: writer{dice: w.random("story")}, faults: f}
	err = w.endure(ctx, p, s.Migrations, tell)
	if err == nil {
		err = w.prove(ctx, p)
	}
	if err != nil {
		err = errors.Join(err, w.keepEvidence()) //nolint:contextcheck // also when the round was interrupted
	}
	if err = errors.Join(err, w.close()); err == nil {
		err = os.RemoveAll(folder)
	}
	return result{Seed: seed, Migrations: p.version, Releases: len(p.landed), Counts: f.done, Took: time.Since(began)}, err
}

// endure rolls out while things break, until both are over and all is at rest.
func (w *world) endure(ctx context.Context, p *people, migrations int, tell func(string)) error {
	if err := w.nodes(ctx, 2, true); err != nil {
		return err
	}
	beside, over := context.WithCancel(ctx)
	defer over()
	side, beside := errgroup.WithContext(beside)
	side.Go(func() error { return w.deliverAtLeastOnce(beside) })
	side.Go(func() error { w.report(beside, p.faults, tell); return nil })
	group, actors := errgroup.WithContext(ctx)
	group.Go(func() error { return p.act(actors, migrations) })
	group.Go(func() error { return p.faults.breakAll(actors) })
	err := group.Wait()
	if err == nil {
		err = w.quiet(ctx, len(p.landed))
	}
	over()
	return errors.Join(err, side.Wait())
}

// report tells how far the round is.
func (w *world) report(ctx context.Context, f *faults, tell func(string)) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			tell(f.line())
		}
	}
}

// unfinished are the jobs that still run or are due soon, and releases that have
// some way to go.
const unfinished = `
SELECT format('job %s %s %s until %s, %s attempts: %s', kind, key, state, to_timestamp(run_after / 1e6), attempts, last_error) FROM queue_jobs
 WHERE state = 'running' OR state = 'ready' AND run_after < extract(epoch FROM clock_timestamp() + '10s'::interval) * 1e6
UNION ALL SELECT format('release %s', seq) FROM deploy_releases WHERE finished_at = 0
UNION ALL SELECT format('task of %s is %s', database, state) FROM deploy_tasks WHERE state NOT IN ('done', 'skipped')`

// quiet waits until all releases are there and nobody has anything left to do,
// which has to hold for some looks in a row.
func (w *world) quiet(ctx context.Context, releases int) error {
	looks := 0
	return w.until(ctx, "everything to be done", func() (bool, string) {
		busy, err := w.list(ctx, w.store, storeName, unfinished)
		if err != nil {
			return false, err.Error()
		}
		known, err := w.list(ctx, w.store, storeName, "SELECT id FROM deploy_releases")
		if err != nil {
			return false, err.Error()
		}
		settled, stop := context.WithTimeout(ctx, 10*time.Millisecond)
		defer stop()
		if err := w.forge.Settled(settled); err != nil || len(busy) > 0 || len(known) < releases {
			looks = 0
			return false, fmt.Sprintf("%d of %d releases, webhooks under way: %t,\n%s", len(known), releases, err != nil, strings.Join(busy, "\n"))
		}
		looks++
		return looks > 20, "almost at rest"
	})
}

// prove verifies a world at rest, ends its nodes, and scans what they left.
func (w *world) prove(ctx context.Context, p *people) error {
	problems, err := w.verify(ctx, p)
	if err != nil {
		return err
	}
	texts, err := w.shown(ctx)
	if err != nil {
		return err
	}
	problems = append(problems, w.rest()...)
	logs, err := w.logs()
	if err != nil {
		return err
	}
	problems = append(problems, w.scan(texts)...)
	problems = append(problems, w.scan(logs)...)
	if len(problems) > 0 {
		return fmt.Errorf("%d things are not as they must be:\n%s", len(problems), strings.Join(problems, "\n"))
	}
	return nil
}

// keepEvidence writes the store and the forge beside the logs.
func (w *world) keepEvidence() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if w.store == nil || w.forge == nil {
		return nil
	}
	rows, err := w.contents(ctx, storeName)
	forge, failed := w.onForge(ctx)
	return errors.Join(err, failed, fmt.Errorf("see %s", w.folder),
		os.WriteFile(filepath.Join(w.folder, "store.txt"), []byte(rows), 0o600),
		os.WriteFile(filepath.Join(w.folder, "forge.json"), []byte(forge), 0o600))
}
