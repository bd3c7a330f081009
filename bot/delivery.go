package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
)

// effect is what a delivery leads to: a note for the record and further jobs.
type effect struct {
	note string
	jobs []queue.NewJob
}

func noted(format string, args ...any) effect { return effect{note: fmt.Sprintf(format, args...)} }

// handleDelivery acts on a delivery that is not done yet.
func (b *Bot) handleDelivery(ctx context.Context, _ queue.Job, p deliveryPayload) error {
	r, err := loadDelivery(ctx, b.Store, sqlDeliveryByID, p.ID)
	switch {
	case isNoRows(err):
		return nil // forgotten meanwhile
	case err != nil:
		return err
	case r.State == stateDone:
		return nil
	}
	e, err := b.act(ctx, r)
	if final(err) {
		e, err = noted("the forge refuses: %s", secret.Redact(err.Error())), nil
	}
	if err != nil {
		return err
	}
	return b.finish(ctx, r, e)
}

// act decides what a delivery leads to.
func (b *Bot) act(ctx context.Context, r received) (effect, error) {
	if r.Event.Kind == providers.InstallationChanged {
		return b.installationChanged(r), nil
	}
	repository := r.repository()
	projects := b.projects(repository)
	if len(projects) == 0 {
		return noted("no project is bound to %s", repository), nil
	}
	repository = projects[0].Repository // as configured
	if err := b.savePusher(ctx, repository, r.Event); err != nil {
		return effect{}, err
	}
	switch r.Event.Kind {
	case providers.PullRequestChanged:
		return effect{note: "review", jobs: []queue.NewJob{reviewJob(repository, r.Event.PullRequest)}}, nil
	case providers.Pushed:
		return b.pushed(repository, r.Event.Branch), nil
	case providers.CommentCreated:
		return b.commented(ctx, repository, r)
	case providers.CheckRerequested:
		return b.rerequested(ctx, repository, r.Event)
	case providers.CheckAction:
		return b.pressed(ctx, repository, r.Event)
	case providers.MergeGroup:
		return b.mergeGroup(repository, r.Event), nil
	}
	return noted("nothing to do for %s", r.Event.Kind), nil
}

// pushed rings the projects that follow the branch.
func (b *Bot) pushed(repository, branch string) effect {
	e := noted("sync-branch of %s", branch)
	for _, p := range b.projectsOn(repository, branch) {
		e.jobs = append(e.jobs, syncJob(p.ID()))
	}
	if len(e.jobs) == 0 {
		e.note = fmt.Sprintf("no project follows %s", branch)
	}
	return e
}

// installationChanged looks at everything anew: projects may have come or gone.
func (b *Bot) installationChanged(r received) effect {
	job := queue.NewJob{Kind: JobReconcile, Key: JobReconcile, Payload: struct{}{}, Coalesce: true}
	return effect{note: "the installation: " + r.Event.Action, jobs: []queue.NewJob{job}}
}

// rerequested runs a check again.
func (b *Bot) rerequested(ctx context.Context, repository string, e providers.Event) (effect, error) {
	if g, ok := groupOf(e.ExternalID); ok {
		return effect{note: "review the merge group", jobs: []queue.NewJob{groupJob(repository, g)}}, nil
	}
	number, err := b.pullOf(ctx, repository, e)
	if err != nil || number == 0 {
		return noted("no pull request of ours has the commit %s", e.HeadSHA), err
	}
	return effect{note: "review again", jobs: []queue.NewJob{reviewJob(repository, number)}}, nil
}

// pullOf finds the pull request a check's event is about: events of forks name
// none, so our own id of the check, then the head commit says it.
func (b *Bot) pullOf(ctx context.Context, repository string, e providers.Event) (int, error) {
	if e.PullRequest != 0 {
		return e.PullRequest, nil
	}
	if text, ok := strings.CutPrefix(e.ExternalID, externalPull); ok {
		number, _, _ := strings.Cut(text, ":")
		if n, err := strconv.Atoi(number); err == nil {
			return n, nil
		}
	}
	return pullByHead(ctx, b.Store, repository, e.HeadSHA)
}

// pressed is a button of our check. Whoever sees the check may press it, so the
// sender's permission is read first.
func (b *Bot) pressed(ctx context.Context, repository string, e providers.Event) (effect, error) {
	if e.Action != view.ActionReview {
		return noted("no button of ours: %s", e.Action), nil
	}
	allowed, err := b.rights.mayWrite(ctx, b, repository, e.Sender.Login)
	if err != nil || !allowed {
		return noted("%s may not write to the repository", e.Sender.Login), err
	}
	return b.rerequested(ctx, repository, e)
}

func (b *Bot) mergeGroup(repository string, e providers.Event) effect {
	if len(b.projectsOn(repository, e.Branch)) == 0 {
		return noted("no project follows %s", e.Branch)
	}
	if e.Action != "checks_requested" {
		return noted("the merge group is gone")
	}
	g := group{Branch: e.Branch, Base: e.BaseSHA, Head: e.HeadSHA}
	return effect{note: "review the merge group", jobs: []queue.NewJob{groupJob(repository, g)}}
}

func groupJob(repository string, g group) queue.NewJob {
	return queue.NewJob{Kind: JobReview, Key: "group:" + g.Head, Payload: reviewPayload{Repository: repository, Group: &g}, Coalesce: true}
}

// Our ids of checks, which the forge gives back with its events.
const (
	externalPull  = "pr:"
	externalGroup = "group:"
)

func (g group) external() string {
	return strings.Join([]string{externalGroup + g.Base, g.Head, g.Branch}, ":")
}

func groupOf(externalID string) (group, bool) {
	text, ok := strings.CutPrefix(externalID, externalGroup)
	parts := strings.SplitN(text, ":", 3)
	if !ok || len(parts) != 3 {
		return group{}, false
	}
	return group{Base: parts[0], Head: parts[1], Branch: parts[2]}, true
}
