package bot

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
)

// effect is what a delivery leads to: a note for the record and further jobs.
type effect struct {
	note string
	jobs []queue.NewJob
}

func noted(format string, args ...any) effect { return effect{note: fmt.Sprintf(format, args...)} }

// handleDelivery acts on a delivery that is not done yet. What the forge refuses
// is tried again: refusals pass too, and a command must not be lost.
func (b *Bot) handleDelivery(ctx context.Context, job queue.Job, p deliveryPayload) error {
	r, err := b.next(ctx, b.Store, p.ID)
	if err != nil || r == nil {
		return err
	}
	r.job = job
	if wait, err := b.waits(ctx, *r); err != nil || wait {
		return cmp.Or(err, queue.Retry(time.Second, nil))
	}
	e, err := b.act(ctx, *r)
	if err != nil {
		return err
	}
	return b.finish(ctx, *r, e)
}

// catchUpPatience is how long what is said now waits for what was said while
// the app was down.
const catchUpPatience = time.Minute

// waits says whether an earlier comment may still be on its way.
func (b *Bot) waits(ctx context.Context, r received) (bool, error) {
	if r.subject() == "" || b.Store.Now().Sub(r.At) > catchUpPatience {
		return false, nil
	}
	return b.behind(ctx, r.Provider)
}

// act decides what a delivery leads to.
func (b *Bot) act(ctx context.Context, r received) (effect, error) {
	if r.Event.Kind == providers.InstallationChanged {
		return b.doubted(ctx, r, "the installation: "+r.Event.Action, b.repositories())
	}
	repository, note, err := b.matched(ctx, r)
	if err != nil || repository == "" {
		return noted("%s", note), err
	}
	if r.Event.Kind == providers.RepositoryChanged {
		return b.doubted(ctx, r, "the repository: "+r.Event.Action, []string{repository})
	}
	if p := pushOf(repository, r.Event); p != nil {
		if err := savePushes(ctx, b.Store, []push{*p}); err != nil {
			return effect{}, err
		}
	}
	if e, ok := b.decided(repository, r.Event); ok {
		return e, nil
	}
	switch r.Event.Kind {
	case providers.CommentCreated:
		return b.commented(ctx, repository, r)
	case providers.CheckRerequested:
		return b.rerequested(ctx, repository, r.Event)
	case providers.CheckAction:
		return b.pressed(ctx, repository, r.Event)
	}
	return noted("nothing to do for %s", r.Event.Kind), nil
}

// decided is what an event leads to, where neither store nor forge must be asked.
func (b *Bot) decided(repository string, e providers.Event) (effect, bool) {
	switch e.Kind {
	case providers.PullRequestChanged:
		return effect{note: "review", jobs: []queue.NewJob{reviewJob(repository, e.PullRequest)}}, true
	case providers.Pushed:
		return b.pushed(repository, e.Branch), true
	case providers.MergeGroup:
		return b.mergeGroup(repository, e), true
	}
	return effect{}, false
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

// doubted makes the forge be asked anew about repositories: what the app may
// see, or what they are called, has changed.
func (b *Bot) doubted(ctx context.Context, r received, note string, repositories []string) (effect, error) {
	e := effect{note: note}
	for _, configured := range repositories {
		if !strings.HasPrefix(configured, r.Provider+"/") {
			continue
		}
		if _, err := b.Store.Exec(ctx, sqlDoubtRepository, strings.ToLower(configured)); err != nil {
			return e, fmt.Errorf("doubt what is known of %s: %w", configured, err)
		}
		e.jobs = append(e.jobs, reconcileJob(configured))
	}
	return e, nil
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
