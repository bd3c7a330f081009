package bot_test

import (
	"testing"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers/miniforge"
)

func TestWhoPushedDoesNotApprove(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("users", map[string]string{users: usersSQL})
	_, err := w.Forge.Push(bottest.Repo, "users", miniforge.Commit{
		Author: bottest.Author, Pusher: bottest.Approver, Message: "Pushed for alice", Files: map[string]string{orders: ordersSQL},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes confused")
	equal(t, "prod", w.Stages(n), "test done, prod waiting")
}
