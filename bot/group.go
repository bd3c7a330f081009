package bot

import (
	"context"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/queue"
)

// reviewGroup concludes the check of a merge group, without which the merge
// queue waits for ever. People wait for it too: a review that fails again and
// again is given up soon, and the check says so.
func (b *Bot) reviewGroup(ctx context.Context, job queue.Job, p reviewPayload) error {
	if p.GivenUp {
		return b.concludeGroup(ctx, job, p, unassessed(p.Group.Head, b.projectsOn(p.Repository, p.Group.Branch),
			"the review failed again and again and was given up, ShipSQL's log says why; re-run this check, or queue the pull request again"))
	}
	found, err := b.assessGroup(ctx, p.Repository, *p.Group)
	if err == nil {
		return b.concludeGroup(ctx, job, p, found)
	}
	if job.Attempts+1 >= enoughTries && !later(err) {
		return queue.Permanent(err)
	}
	return err
}

// assessGroup assesses every project's part of a merge group.
func (b *Bot) assessGroup(ctx context.Context, repository string, g group) ([]assessment, error) {
	from, err := b.tree(ctx, repository, g.Base, "")
	if err != nil {
		return nil, err
	}
	to, err := b.tree(ctx, repository, g.Head, "")
	if err != nil {
		return nil, err
	}
	var found []assessment
	for _, project := range b.projectsOn(repository, g.Branch) {
		a, err := b.assess(ctx, subject{
			project: project, head: g.Head, baseCommit: g.Base, base: from,
			changes: migrationsFolder(project.Path).changesBetween(from, to),
		})
		if err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	return found, nil
}

// concludeGroup writes a merge group's check.
func (b *Bot) concludeGroup(ctx context.Context, job queue.Job, payload reviewPayload, found []assessment) error {
	g := *payload.Group
	p, repo, err := b.forge(ctx, payload.Repository)
	if err != nil {
		return err
	}
	state := view.State{Forge: b.dialect(p), Head: g.Head, Open: true, Now: b.Clock.Now(), Pages: b.PublicURL}
	for i, project := range b.projectsOn(payload.Repository, g.Branch) {
		state.Projects = append(state.Projects, view.Project{Config: project, Review: &found[i].Review})
	}
	check := view.Check(state)
	check.ExternalID = g.external()
	of := pull{Repository: payload.Repository} // of no pull request
	done, err := loadWrites(ctx, b.Store, of.Repository, of.Number)
	if err != nil {
		return err
	}
	w := writer{bot: b, job: job, provider: p, repo: repo, pull: of, done: done}
	return w.put(ctx, "check of group "+g.Head, hashOf(check), func(before written) (int64, error) {
		check.MayExist = before.Trying != ""
		return p.PutCheck(ctx, repo, check)
	})
}
