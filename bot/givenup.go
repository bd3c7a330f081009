package bot

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// reviewRest is how long a review that was given up rests before it is tried
// anew: somebody may have mended what it failed of.
const reviewRest = time.Hour

// reviewDead goes on from a review that was given up, where something waits for it
// that nobody else would ask for: a release, whose gates stay closed, and a merge
// group, whose check stays open. Pull requests are found again by the reconciler.
func (b *Bot) reviewDead(ctx context.Context, tx *store.Tx, job queue.Job, _ error) error {
	var p reviewPayload
	_ = json.Unmarshal(job.Payload, &p) // an unreadable one names nothing
	switch {
	case p.Release != "":
		waits, err := b.waitsForReview(ctx, p.Release)
		if err != nil || !waits {
			return err
		}
		again := releaseJob(p.Release)
		again.RunAfter = tx.Now().Add(reviewRest)
		return b.Queue.Enqueue(ctx, tx, again)
	case p.Group != nil && !p.GivenUp:
		conclusion := groupJob(p.Repository, *p.Group)
		conclusion.Payload = reviewPayload{Repository: p.Repository, Group: p.Group, GivenUp: true}
		return b.Queue.Enqueue(ctx, tx, conclusion)
	}
	return nil
}

// waitsForReview says whether a release is on its way.
func (b *Bot) waitsForReview(ctx context.Context, release string) (bool, error) {
	rollout, err := b.Deploy.Rollout(ctx, release)
	if code(err) == fault.NotFound {
		return false, nil
	}
	return slices.ContainsFunc(rollout.Stages, func(s deploy.Stage) bool { return !s.State.Passed() }), err
}
