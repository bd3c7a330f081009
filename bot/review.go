package bot

import (
	"context"
	"fmt"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// handleReview reviews a release, a merge group, or a pull request.
func (b *Bot) handleReview(ctx context.Context, job queue.Job, p reviewPayload) error {
	switch {
	case p.Release != "":
		return b.reviewRelease(ctx, p.Release)
	case p.Group != nil:
		return b.reviewGroup(ctx, job, p)
	}
	return b.reviewPull(ctx, p.Repository, p.Number)
}

// reviewPull reviews a pull request as it is now, stores what was found and
// rings the view. One that isn't open is only remembered as such.
func (b *Bot) reviewPull(ctx context.Context, repository string, number int) error {
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return err
	}
	pr, err := p.PullRequest(ctx, repo, number)
	if err != nil {
		return fmt.Errorf("read pull request %d: %w", number, err)
	}
	read := pullFrom(repository, pr)
	projects := b.projectsOn(repository, read.Base)
	if read.State != pullOpen || len(projects) == 0 {
		return b.notReviewed(ctx, read, projects)
	}
	found, baseCommit, err := b.assessPull(ctx, pr, projects)
	if err != nil {
		return err
	}
	read.BaseCommit = baseCommit
	for _, a := range found {
		read.Touches = read.Touches || a.Review.Touched
	}
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := savePull(ctx, tx, read); err != nil {
			return err
		}
		for _, a := range found {
			if err := saveAssessment(ctx, tx, repository, number, a); err != nil {
				return err
			}
		}
		return b.Queue.Enqueue(ctx, tx, viewJob(repository, number))
	})
}

// notReviewed remembers a pull request that is closed, merged, or into a branch
// of no project. What was shown on it is brought up to date; a merge also rings
// the branch, in case its push was not told.
func (b *Bot) notReviewed(ctx context.Context, read pull, projects []deploy.Project) error {
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		_, known, err := loadPull(ctx, tx, read.Repository, read.Number)
		if err != nil {
			return err
		}
		if err := savePull(ctx, tx, read); err != nil {
			return err
		}
		var jobs []queue.NewJob
		if known {
			jobs = append(jobs, viewLater(tx, read.Repository, read.Number, b.Pace))
		}
		if read.State == pullMerged {
			for _, project := range projects {
				jobs = append(jobs, syncJob(project.ID()))
			}
		}
		return b.Queue.Enqueue(ctx, tx, jobs...)
	})
}

// assessPull assesses every project's part of an open pull request, and returns
// the commit of the base branch that it was held against.
func (b *Bot) assessPull(ctx context.Context, pr providers.PullRequest, projects []deploy.Project) ([]assessment, string, error) {
	p, repo, err := b.forge(ctx, projects[0].Repository)
	if err != nil {
		return nil, "", err
	}
	files, err := p.ChangedFiles(ctx, repo, pr.Number)
	if tooMany(err) {
		return unassessed(pr.Head.SHA, projects,
			"the pull request changes more files than the forge lists, so it can't be reviewed; split it"), pr.Base.SHA, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("list the changed files: %w", err)
	}
	subjects, touched := make([]subject, len(projects)), false
	for i, project := range projects {
		changes := migrationsFolder(project.Path).changesIn(files)
		touched = touched || len(changes) > 0
		subjects[i] = subject{project: project, number: pr.Number, head: pr.Head.SHA, changes: changes, stranger: pr.Fork}
	}
	baseCommit := pr.Base.SHA
	if touched {
		if baseCommit, err = b.withBase(ctx, p, repo, subjects); err != nil {
			return nil, "", err
		}
	}
	found := make([]assessment, len(subjects))
	for i, s := range subjects {
		if found[i], err = b.assess(ctx, s); err != nil {
			return nil, "", err
		}
	}
	return found, baseCommit, nil
}

// withBase reads the base branch as it is now: the forge's own idea of a pull
// request's base may be as old as its last push.
func (b *Bot) withBase(ctx context.Context, p providers.Provider, repo providers.Repo, subjects []subject) (string, error) {
	project := subjects[0].project
	head, err := p.Head(ctx, repo, project.Branch)
	if err != nil {
		return "", fmt.Errorf("read the head of %s: %w", project.Branch, err)
	}
	tree, err := b.tree(ctx, project.Repository, head.SHA, "")
	if err != nil {
		return "", err
	}
	for i := range subjects {
		subjects[i].baseCommit, subjects[i].base = head.SHA, tree
	}
	return head.SHA, nil
}

// unassessed is the assessment of a change that could not be made: nobody can say
// that it holds no migration.
func unassessed(head string, projects []deploy.Project, why string) []assessment {
	var found []assessment
	for _, p := range projects {
		found = append(found, assessment{Project: p.ID(), Review: view.Review{
			Head: head, Touched: true, Problems: []view.Problem{{Path: p.Path, Text: why}},
		}})
	}
	return found
}
