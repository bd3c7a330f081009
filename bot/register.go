package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// Kinds of the jobs this room handles.
const (
	JobDelivery   = "delivery"
	JobReview     = "review"
	JobSyncBranch = "sync-branch"
	JobView       = "view"
	JobReconcile  = "reconcile"
	JobCatalog    = "catalog"
)

type deliveryPayload struct {
	ID string `json:"id"`
}

// reviewPayload names what to review: a release, a merge group, or else the pull
// request.
type reviewPayload struct {
	Repository string `json:"repository,omitempty"`
	Number     int    `json:"number,omitempty"`
	Release    string `json:"release,omitempty"`
	Group      *group `json:"group,omitempty"`
	GivenUp    bool   `json:"given_up,omitempty"` // the group's review was: only its check is concluded
}

// group is a merge group: what the merge queue wants to put on the base branch.
type group struct {
	Branch string `json:"branch"` // base branch
	Base   string `json:"base"`   // commit it builds upon
	Head   string `json:"head"`
}

type viewPayload struct {
	Repository string `json:"repository"`
	Number     int    `json:"number"`
}

// reconcilePayload names what to compare with its forge: one repository, the
// webhooks of one provider, or, when both are empty, everything.
type reconcilePayload struct {
	Repository string `json:"repository,omitempty"`
	Provider   string `json:"provider,omitempty"`
}

type projectPayload struct {
	Project string `json:"project"`
}

// Register sets the handlers of the bot's jobs on the queue, makes the bot the
// domain's Authority and subscribes it to the domain's changes.
func (b *Bot) Register() {
	b.Queue.Handle(JobDelivery, handler(b, b.handleDelivery))
	b.Queue.OnDead(JobDelivery, b.deliveryDead)
	b.Queue.Handle(JobReview, handler(b, b.handleReview))
	b.Queue.OnDead(JobReview, b.reviewDead)
	b.Queue.Handle(JobSyncBranch, handler(b, b.handleSyncBranch))
	b.Queue.Handle(JobView, handler(b, b.handleView))
	b.Queue.Handle(JobCatalog, handler(b, b.handleCatalog))
	b.Queue.Handle(JobReconcile, handler(b, b.handleReconcile))
	b.Deploy.SetAuthority(b)
	b.Deploy.OnChange(b.changed)
}

// handler reads a job's payload and sorts the errors of what is done with it.
func handler[T any](b *Bot, do func(context.Context, queue.Job, T) error) queue.Handler {
	return func(ctx context.Context, job queue.Job) error {
		var payload T
		if err := json.Unmarshal(job.Payload, &payload); err != nil {
			return queue.Permanent(fault.New(fault.Internal, "unreadable job").Because(err))
		}
		return b.sorted(job, do(ctx, job, payload))
	}
}

// changed follows the domain: what changed is reviewed or shown.
func (b *Bot) changed(ctx context.Context, tx *store.Tx, c deploy.Change) error {
	var jobs []queue.NewJob
	if c.Kind == deploy.ReviewNeeded {
		jobs = append(jobs, releaseJob(c.Release))
	}
	if c.PullRequest != 0 {
		pace := b.Pace
		if c.Kind == deploy.TaskProgressed {
			pace *= 3
		}
		jobs = append(jobs, viewLater(tx, c.Project.Repository, c.PullRequest, pace))
	}
	shown, err := b.openJobs(ctx, tx, c)
	if err != nil {
		return err
	}
	return b.Queue.Enqueue(ctx, tx, append(jobs, shown...)...)
}

// openJobs are for the open pull requests that a change concerns: a refused
// branch is shown there; a stage that passed means migrations that may not be
// edited any more, and a catalog that changed.
func (b *Bot) openJobs(ctx context.Context, tx *store.Tx, c deploy.Change) ([]queue.NewJob, error) {
	job := viewJob
	switch {
	case c.Kind == deploy.StageChanged && c.State.Passed():
		job = reviewJob
	case c.Kind != deploy.BranchChanged:
		return nil, nil
	}
	if target := b.target(c.Project); c.Kind == deploy.StageChanged && target.Worker != "" {
		if err := b.askCatalog(ctx, tx, target); err != nil {
			return nil, err
		}
	}
	numbers, err := openPulls(ctx, tx, c.Project.Repository, c.Project.Branch)
	if err != nil {
		return nil, err
	}
	var jobs []queue.NewJob
	for _, n := range numbers {
		jobs = append(jobs, job(c.Project.Repository, n))
	}
	return jobs, nil
}

func reviewJob(repository string, number int) queue.NewJob {
	return queue.NewJob{Kind: JobReview, Key: pullKey(repository, number), Payload: reviewPayload{Repository: repository, Number: number}, Coalesce: true}
}

func releaseJob(id string) queue.NewJob {
	return queue.NewJob{Kind: JobReview, Key: "release:" + id, Payload: reviewPayload{Release: id}, Coalesce: true}
}

func viewJob(repository string, number int) queue.NewJob {
	return queue.NewJob{Kind: JobView, Key: pullKey(repository, number), Payload: viewPayload{Repository: repository, Number: number}, Coalesce: true}
}

// viewLater gathers what changes within the pace into one view.
func viewLater(tx *store.Tx, repository string, number int, pace time.Duration) queue.NewJob {
	job := viewJob(repository, number)
	job.RunAfter = tx.Now().Add(pace)
	return job
}

func syncJob(project string) queue.NewJob {
	return queue.NewJob{Kind: JobSyncBranch, Key: "project:" + project, Payload: projectPayload{Project: project}, Coalesce: true}
}

func pullKey(repository string, number int) string {
	return fmt.Sprintf("pr:%s#%d", repository, number)
}

func (b *Bot) enqueue(ctx context.Context, jobs ...queue.NewJob) error {
	return b.Store.Tx(ctx, func(tx *store.Tx) error { return b.Queue.Enqueue(ctx, tx, jobs...) })
}
