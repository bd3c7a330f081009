package bot_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers/miniforge"
)

func TestADeployGoesOnWhileTheForgeFailsAndPostingCatchesUp(t *testing.T) {
	t.Parallel()
	limited := map[string]string{"Retry-After": "1"}
	for name, fault := range map[string]miniforge.Fault{
		"secondary limit": {Status: 403, Headers: limited, Times: 3, Body: `{"message":"You have exceeded a secondary rate limit. Please wait."}`},
		"too many":        {Status: 429, Headers: limited, Times: 3},
		"bad gateway":     {Status: 502, Times: 4},
		"cut":             {Times: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := bottest.New(t, bottest.Options{})
			n := w.Open("users", map[string]string{users: usersSQL})
			w.Forge.Fail(miniforge.Match{Method: "PATCH", Path: "repos/*/*/issues/comments/*"}, fault)
			w.Merge(n)
			w.Await(n, "test done, prod waiting")
			w.AwaitSticky(n, "waiting for approval of prod")
			equal(t, "applied", w.Applied("orders-test"), "20260101")
			w.Sticky(n) // fails when there are two
		})
	}
}

func TestAWriteThatGotThroughUnheardIsNotRepeated(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	for _, path := range []string{"repos/*/*/issues/*/comments", "repos/*/*/check-runs", "repos/*/*/deployments"} {
		w.Forge.Fail(miniforge.Match{Method: "POST", Path: path}, miniforge.Fault{AfterWrite: true, Times: 1})
	}
	n := w.Open("users", map[string]string{users: usersSQL})
	w.AwaitSticky(n, "ready to merge")
	w.Settle()
	equal(t, "checks", len(w.PR(n).Checks), 1)
	equal(t, "comments", len(w.Own(n)), 1)
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	w.AwaitSticky(n, "waiting for approval of prod")
	equal(t, "deployments", len(w.Forge.Deployments(bottest.Repo)), 1)
	equal(t, "notices", len(w.Notices(n)), 1)
}

func TestAnExpiredTokenIsReplaced(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	w.Forge.ExpireTokens()
	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
	contains(t, "sticky", w.Sticky(n), "done in every environment")
}

func TestADatabasesWordsAreMaskedInPublic(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("fails", map[string]string{users: usersSQL + "INSERT INTO users VALUES (1, 'ann@example.com'); INSERT INTO users VALUES (1, 'x');\n" +
		"SELECT 'ann@example.com'::bigint;\n"})
	w.Merge(n)
	w.Await(n, "test failed, prod waiting")
	for _, body := range w.Own(n) {
		_, failure, _ := strings.Cut(body, "failed on")
		failure, _, _ = strings.Cut(failure, "**SQL**")
		if strings.Contains(failure, "(1)") || strings.Contains(failure, "ann@example.com") {
			t.Errorf("shows a row's values:\n%s", failure)
		}
	}
}
