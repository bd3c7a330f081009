package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// reconcileEvery is how long a lost webhook stays unnoticed at most.
const reconcileEvery = 5 * time.Minute

// handleReconcile asks the forges for what no webhook told: moved branches,
// opened, pushed and closed pull requests. One forge that fails doesn't keep the
// others from being asked.
func (b *Bot) handleReconcile(ctx context.Context, _ queue.Job) error {
	cfg := b.Deploy.Config()
	asked := map[string]bool{}
	for _, p := range cfg.Projects {
		if err := b.enqueue(ctx, syncJob(p.ID())); err != nil {
			return err
		}
		if key := p.Repository + "@" + p.Branch; !asked[key] {
			asked[key] = true
			if err := b.reconcilePulls(ctx, p); err != nil {
				b.Log.Warn("Can't compare the pull requests with the forge; it is tried again", "repository", p.Repository, "error", err)
			}
		}
	}
	if err := b.Deploy.Reconcile(ctx); err != nil {
		return err
	}
	return queue.Retry(reconcileEvery, nil)
}

// reconcilePulls reviews every open pull request whose head or base branch we
// have not seen, and those that we believe open and the forge doesn't.
func (b *Bot) reconcilePulls(ctx context.Context, project deploy.Project) error {
	p, repo, err := b.forge(project.Repository)
	if err != nil {
		return err
	}
	open, err := p.OpenPullRequests(ctx, repo, project.Branch)
	if err != nil {
		return fmt.Errorf("list the open pull requests: %w", err)
	}
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		known, err := selectPulls(ctx, tx, sqlOpenPulls, project.Repository, project.Branch)
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
				jobs = append(jobs, reviewJob(project.Repository, pr.Number))
			}
			delete(heads, pr.Number)
		}
		for number := range heads {
			jobs = append(jobs, reviewJob(project.Repository, number))
		}
		return b.Queue.Enqueue(ctx, tx, jobs...)
	})
}
