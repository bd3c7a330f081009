package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// reconcileEvery is how long a lost webhook stays unnoticed at most.
const reconcileEvery = 5 * time.Minute

// handleReconcile asks the forges for what no webhook told.
func (b *Bot) handleReconcile(ctx context.Context, _ queue.Job, p reconcilePayload) error {
	switch {
	case p.Repository != "":
		return b.reconcileRepository(ctx, p.Repository)
	case p.Provider != "":
		return b.catchUp(ctx, p.Provider)
	}
	if err := b.reconcileEverything(ctx); err != nil {
		b.Log.Error("Nothing can be compared with the forges; it is tried again", "error", secret.Redact(err.Error()))
	}
	return queue.Retry(reconcileEvery, nil) // never given up
}

// reconcileEverything rings a job for each forge and each repository, so that
// one that fails keeps none of the others from being asked.
func (b *Bot) reconcileEverything(ctx context.Context) error {
	var jobs []queue.NewJob
	for name, p := range b.Providers {
		if p.Capabilities().MissedDeliveries {
			jobs = append(jobs, catchUpJob(name))
		}
	}
	for _, configured := range b.repositories() {
		jobs = append(jobs, reconcileJob(configured))
	}
	if err := b.enqueue(ctx, jobs...); err != nil {
		return err
	}
	return b.Deploy.Reconcile(ctx)
}

func reconcileAll() queue.NewJob {
	return queue.NewJob{Kind: JobReconcile, Key: JobReconcile, Payload: reconcilePayload{}, Coalesce: true}
}

func reconcileJob(configured string) queue.NewJob {
	return queue.NewJob{
		Kind: JobReconcile, Key: "repository:" + strings.ToLower(configured), Payload: reconcilePayload{Repository: configured}, Coalesce: true,
	}
}

// reconcileRepository compares a repository with its forge: what it is called
// and whether the app sees it, moved branches, opened, pushed and closed pull
// requests, and what could not be written.
func (b *Bot) reconcileRepository(ctx context.Context, configured string) error {
	now, err := b.look(ctx, configured)
	if err != nil || now.Paused != "" {
		return err
	}
	jobs, err := b.unfinished(ctx, configured)
	if err != nil {
		return err
	}
	var branches []string
	for _, project := range b.projects(configured) {
		jobs = append(jobs, syncJob(project.ID()))
		if !slices.Contains(branches, project.Branch) {
			branches = append(branches, project.Branch)
		}
	}
	if err := b.enqueue(ctx, jobs...); err != nil {
		return err
	}
	for _, branch := range branches {
		if err := b.reconcilePulls(ctx, configured, branch); err != nil {
			return err
		}
	}
	return nil
}

// unfinishedFor is how long a write that never got through is tried: after that
// nobody waits for it any more.
const unfinishedFor = 7 * 24 * time.Hour

// unfinished are the views with a write that never got through.
func (b *Bot) unfinished(ctx context.Context, configured string) ([]queue.NewJob, error) {
	since := b.Store.Now().Add(-unfinishedFor)
	rows, err := b.Store.Query(ctx, sqlUnfinished, configured, store.Micros(since))
	if err != nil {
		return nil, fmt.Errorf("read which views are unfinished: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (queue.NewJob, error) {
		var number int
		err := scan(&number)
		return viewJob(configured, number), err
	})
}

// reconcilePulls reviews every open pull request whose head or base branch we
// have not seen, and those that we believe open and the forge doesn't.
func (b *Bot) reconcilePulls(ctx context.Context, configured, branch string) error {
	p, repo, err := b.forge(ctx, configured)
	if err != nil {
		return err
	}
	open, err := p.OpenPullRequests(ctx, repo, branch)
	if err != nil {
		return fmt.Errorf("list the open pull requests: %w", err)
	}
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		known, err := selectPulls(ctx, tx, sqlOpenPulls, configured, branch)
		if err != nil {
			return err
		}
		heads := map[int]string{}
		for _, pull := range known {
			heads[pull.Number] = pull.Head
		}
		var jobs []queue.NewJob
		for _, pr := range open {
			if heads[pr.Number] != pr.Head.SHA {
				jobs = append(jobs, reviewJob(configured, pr.Number))
			}
			delete(heads, pr.Number)
		}
		for number := range heads {
			jobs = append(jobs, reviewJob(configured, number))
		}
		return b.Queue.Enqueue(ctx, tx, jobs...)
	})
}
