package bot

import (
	"context"
	"fmt"
	"strconv"

	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// A pusher needs not be the author of any commit, and belongs to the change's
// people all the same. No forge tells later who pushed, so the webhooks are
// believed here: at worst a forged name bars its owner from approving.

// synchronize is GitHub's word for a push to a pull request's branch.
const synchronize = "synchronize"

// pushedWhat names what an event's sender pushed, "" if it tells of no push.
func pushedWhat(e providers.Event) string {
	switch {
	case e.Sender.Login == "":
		return ""
	case e.Kind == providers.Pushed:
		return e.HeadSHA
	case e.Kind == providers.PullRequestChanged && e.Action == synchronize:
		return pushedTo(e.PullRequest)
	}
	return ""
}

func pushedTo(pullRequest int) string { return "#" + strconv.Itoa(pullRequest) }

// savePusher remembers who pushed. Doing it again is harmless.
func (b *Bot) savePusher(ctx context.Context, repository string, e providers.Event) error {
	pushed := pushedWhat(e)
	if pushed == "" {
		return nil
	}
	_, err := b.Store.Exec(ctx, sqlSavePusher,
		repository, pushed, e.Sender.Login)
	if err != nil {
		return fmt.Errorf("remember who pushed: %w", err)
	}
	return nil
}

// pushersOf are those who pushed one of two things.
func (b *Bot) pushersOf(ctx context.Context, repository, one, other string) ([]providers.Person, error) {
	rows, err := b.Store.Query(ctx, sqlPushers, repository, one, other)
	if err != nil {
		return nil, fmt.Errorf("read who pushed: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (p providers.Person, err error) { return p, scan(&p.Login) })
}
