package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// A pusher needs not be the author of any commit, and belongs to the change's
// people all the same. No forge tells later who pushed, so the webhooks are
// believed here: at worst a forged name bars its owner from approving.

// synchronize is GitHub's word for a push to a pull request's branch.
const synchronize = "synchronize"

// push says who pushed what to a configured repository.
type push struct {
	repository, pushed, login string
}

// pushOf is the push that an event tells of, nil if it tells of none.
func pushOf(repository string, e providers.Event) *push {
	switch {
	case e.Sender.Login == "":
	case e.Kind == providers.Pushed:
		return &push{repository, e.HeadSHA, e.Sender.Login}
	case e.Kind == providers.PullRequestChanged && e.Action == synchronize:
		return &push{repository, pushedTo(e.PullRequest), e.Sender.Login}
	}
	return nil
}

func pushedTo(pullRequest int) string { return "#" + strconv.Itoa(pullRequest) }

// savePushes remembers who pushed, on all nodes in one order. Doing it again is
// harmless.
func savePushes(ctx context.Context, in store.Queryer, pushes []push) error {
	if len(pushes) == 0 {
		return nil
	}
	slices.SortFunc(pushes, func(a, b push) int {
		return cmp.Or(cmp.Compare(a.repository, b.repository), cmp.Compare(a.pushed, b.pushed), cmp.Compare(a.login, b.login))
	})
	var args []any
	for _, p := range pushes {
		args = append(args, p.repository, p.pushed, p.login)
	}
	if _, err := in.Exec(ctx, manyRows(sqlSavePusher, len(pushes)), args...); err != nil {
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
