package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// handleSyncBranch walks a project's branch from its cursor to its head and
// makes a release of every merge that changed a migration. Merges, squashes,
// rebases, merge queues, direct pushes and missed webhooks all end up here.
func (b *Bot) handleSyncBranch(ctx context.Context, _ queue.Job, payload projectPayload) error {
	project, ok := b.Deploy.Config().Project(payload.Project)
	if !ok {
		return nil // not configured any more
	}
	return b.syncBranch(ctx, project)
}

// syncBranch does so now. It is harmless beside another: the one whose cursor
// has moved meanwhile records nothing.
func (b *Bot) syncBranch(ctx context.Context, project deploy.Project) error {
	cursor, started, err := b.Deploy.Cursor(ctx, project.ID())
	if err != nil {
		return err
	}
	p, repo, err := b.forge(ctx, project.Repository)
	if err != nil {
		return err
	}
	head, err := p.Head(ctx, repo, project.Branch)
	switch {
	case errors.Is(err, providers.ErrNotFound) && started:
		return b.refuse(ctx, project, "branch_missing", "the branch "+project.Branch+" is gone", "bring the branch back")
	case err != nil:
		return fmt.Errorf("read the head of %s: %w", project.Branch, err)
	case !started:
		return b.Deploy.StartAt(ctx, project.ID(), head.SHA)
	}
	return b.advance(ctx, project, cursor, head.SHA)
}

// advance records what happened between two commits of the branch.
func (b *Bot) advance(ctx context.Context, project deploy.Project, from, to string) error {
	_, read, err := b.forge(ctx, project.Repository)
	if err != nil {
		return err
	}
	releases, err := b.merges(ctx, project, from, to)
	switch {
	case errors.Is(err, providers.ErrNotAncestor):
		return b.refuse(ctx, project, "not_ancestor",
			fmt.Sprintf("%s was rewritten: %s, the last commit that was seen, does not lead to its head", project.Branch, shortSHA(from)),
			"push a branch that holds that commit")
	case tooMany(err):
		return b.refuse(ctx, project, "too_many", "the forge does not list everything between "+shortSHA(from)+" and "+shortSHA(to), "")
	case err != nil:
		return err
	}
	if from == to && !b.isRefused(ctx, project) {
		return nil
	}
	if err := b.sameStill(ctx, project, read, releases); err != nil {
		return err
	}
	if _, err := b.Deploy.Advance(ctx, project.ID(), from, to, releases); err != nil {
		return fmt.Errorf("record the releases of %s: %w", project.ID(), err)
	}
	return b.reviewOpen(ctx, project)
}

// sameStill makes sure that what will be released was read from the configured
// repository: while it was read by its name, another may have taken that.
func (b *Bot) sameStill(ctx context.Context, project deploy.Project, read providers.Repo, releases []deploy.NewRelease) error {
	if len(releases) == 0 {
		return nil
	}
	now, err := b.look(ctx, project.Repository)
	switch {
	case err != nil:
		return err
	case now.Paused != "":
		return paused(now.Paused)
	case now.Repo.FullName() != read.FullName():
		return fault.New(fault.Conflict, "%s was renamed to %s while it was read", read, now.Repo)
	}
	return nil
}

// isRefused says whether the branch stands refused; going on from its cursor
// then ends that.
func (b *Bot) isRefused(ctx context.Context, project deploy.Project) bool {
	status, err := b.Deploy.Status(ctx, project.ID())
	return err == nil && status.Refusal != nil
}

func (b *Bot) refuse(ctx context.Context, project deploy.Project, code, text, next string) error {
	return b.Deploy.Refuse(ctx, project.ID(), deploy.Refusal{Code: code, Text: text, Next: next, At: b.Clock.Now()})
}

// reviewOpen reviews the open pull requests again that were reviewed against an
// older base: their versions may be taken now, their tables gone.
func (b *Bot) reviewOpen(ctx context.Context, project deploy.Project) error {
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		numbers, err := openPulls(ctx, tx, project.Repository, project.Branch)
		if err != nil {
			return err
		}
		jobs := make([]queue.NewJob, 0, len(numbers))
		for _, n := range numbers {
			jobs = append(jobs, reviewJob(project.Repository, n))
		}
		return b.Queue.Enqueue(ctx, tx, jobs...)
	})
}

// merges are the releases to make of the commits after from, oldest first.
func (b *Bot) merges(ctx context.Context, project deploy.Project, from, to string) ([]deploy.NewRelease, error) {
	p, repo, err := b.forge(ctx, project.Repository)
	if err != nil || from == to {
		return nil, err
	}
	commits, err := p.FirstParents(ctx, repo, from, to)
	if err != nil {
		return nil, fmt.Errorf("walk %s: %w", project.Branch, err)
	}
	walk := walk{bot: b, project: project, provider: p, repo: repo}
	steps, err := walk.steps(ctx, from, commits)
	if err != nil {
		return nil, err
	}
	var releases []deploy.NewRelease
	for _, s := range grouped(steps) {
		release, err := walk.release(ctx, s)
		if err != nil {
			return nil, err
		}
		releases = append(releases, release)
	}
	return releases, nil
}

func shortSHA(sha string) string { return sha[:min(len(sha), 8)] }
