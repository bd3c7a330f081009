package bot_test

import (
	"strings"
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

func TestWhoPushedBeforeThePullRequestDoesNotApprove(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	_, err := w.Forge.Push(bottest.Repo, "users", miniforge.Commit{
		Author: bottest.Author, Pusher: bottest.Approver, Message: "Pushed for ann", Files: map[string]string{users: usersSQL},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Forge.OpenPR(miniforge.NewPR{Repo: bottest.Repo, Head: "users", Title: "Users", Author: bottest.Author})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes confused")
	equal(t, "another approver", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}

func TestAChangeWithUnlistedPeopleIsNobodysToApprove(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("users", map[string]string{users: usersSQL})
	commits := make([]miniforge.Commit, 250) // with the first one more than GitHub lists
	for i := range commits {
		commits[i] = miniforge.Commit{Author: bottest.Author, Message: "Again", Files: map[string]string{"note": strings.Repeat("x", i)}}
	}
	if _, err := w.Forge.Push(bottest.Repo, "users", commits...); err != nil {
		t.Fatal(err)
	}
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes confused")
	equal(t, "prod", w.Stages(n), "test done, prod waiting")
}
