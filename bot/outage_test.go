package bot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// webhooks is how far the world's forge's webhooks are complete.
func webhooks(t *testing.T, w *bottest.World) bot.ProviderHealth {
	t.Helper()
	all, err := w.Bot.Webhooks(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("webhooks %+v, %v", all, err)
	}
	return all[0]
}

// releases are the titles of the project's releases, oldest first.
func releases(t *testing.T, w *bottest.World) string {
	t.Helper()
	all, err := w.Deploy.Releases(t.Context(), w.Config.Projects[0].ID(), 100)
	must(t, err)
	titles := make([]string, len(all))
	for _, r := range all {
		titles[r.Seq-1] = r.Title
	}
	return strings.Join(titles, ", ")
}

// outage is what happens on the forge while the app is down: a command on the
// release that waits, two merges, a direct push, and a pull request that is
// pushed to. It returns the numbers of the merged ones and of the open one.
func outage(t *testing.T, w *bottest.World, waiting int) (merged [2]int, open int) {
	t.Helper()
	w.Stop()
	say(t, w, waiting, bottest.Approver, "/approve prod")
	for i, name := range []string{"b", "c"} {
		merged[i] = w.Open(name, map[string]string{"migrations/2026020" + name[:0] + string('1'+rune(i)) + "_" + name + ".sql": "CREATE TABLE " + name + " (id bigint PRIMARY KEY);\n"})
	}
	open = w.Open("e", map[string]string{"migrations/20260301_e.sql": "CREATE TABLE e (id bigint PRIMARY KEY);\n"})
	w.Push(open, map[string]string{"migrations/20260302_f.sql": "CREATE TABLE f (id bigint PRIMARY KEY);\n"})
	w.Merge(merged[1])
	w.Merge(merged[0])
	push(t, w, bottest.Writer, map[string]string{"migrations/20260203_d.sql": "CREATE TABLE d (id bigint PRIMARY KEY);\n"})
	say(t, w, merged[1], bottest.Stranger, "/approve prod")
	w.Push(open, map[string]string{"README.md": "newest"})
	w.Clock.Skip(24 * time.Hour)
	return merged, open
}

func say(t *testing.T, w *bottest.World, n int, login, body string) {
	t.Helper()
	_, err := w.Forge.CommentAs(w.Repo, n, login, body)
	must(t, err)
}

func TestADayOfOutageIsCaughtUpWithInOrder(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	merged, open := outage(t, w, n)
	before := len(w.Forge.Requests())
	w.Start()
	w.Await(n, "test done, prod done")
	w.Await(merged[1], "test done, prod waiting")
	w.Settle()
	equal(t, "releases in merge order", releases(t, w), "Change users, Change c, Change b, By hand")
	equal(t, "command", bottest.Reactions(lastSaid(w, n, "/approve prod")), "eyes rocket")
	contains(t, "sticky", w.Sticky(n), "✅ done in every environment", "bob: approve release 1")
	contains(t, "sticky", w.Sticky(merged[0]), "prod")
	equal(t, "answers to the stranger", len(w.Replies(merged[1])), 1)
	contains(t, "answer to the stranger", w.Replies(merged[1])[0], "sam may not write")
	equal(t, "check", w.Check(open), "success: ready to merge: 2 migrations, 2 statements")

	reviewed := 0
	for _, r := range w.Forge.Requests()[before:] {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/check-runs") {
			reviewed++
		}
	}
	if reviewed > 2 { // the newest head, and again once the base had moved
		t.Errorf("%d checks were written for one open pull request", reviewed)
	}
	if h := webhooks(t, w); w.Clock.Now().Sub(h.Complete) > time.Minute || h.Problem != "" || !h.LostTo.IsZero() {
		t.Errorf("webhooks %+v", h)
	}
	calls := len(w.Forge.Requests())
	w.Reconcile()
	for _, r := range w.Forge.Requests()[calls:] {
		if strings.HasPrefix(r.Path, "app/hook/deliveries/") {
			t.Errorf("a webhook is taken in again: %s", r.Path)
		}
	}
}

// lastSaid is the newest comment with that text.
func lastSaid(w *bottest.World, n int, body string) (found miniforge.Comment) {
	for _, c := range w.PR(n).Comments {
		if c.Body == body {
			found = c
		}
	}
	return found
}

func TestWithoutTheDeliveriesAPIMergesAndPullRequestsAreStillFound(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	w.Forge.Fail(miniforge.Match{Path: "app/hook/deliveries"}, miniforge.Fault{Status: http.StatusNotFound})
	_, open := outage(t, w, n)
	w.Start()
	w.Until("the branch is read", func() bool { return releases(t, w) == "Change users, Change c, Change b, By hand" })
	w.Settle()
	equal(t, "check", w.Check(open), "success: ready to merge: 2 migrations, 2 statements")
	equal(t, "a command typed then", w.Stages(n), "test done, prod waiting")
	contains(t, "problem", webhooks(t, w).Problem, "404")
	equal(t, "typed again", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
}

func TestWebhooksThatTheForgeHasForgottenAreSaidToBeLost(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	down := w.Clock.Now()
	outage(t, w, n)
	w.Clock.Skip(4 * 24 * time.Hour)
	w.Start()
	w.Until("the branch is read", func() bool { return releases(t, w) == "Change users, Change c, Change b, By hand" })
	w.Settle()
	h := webhooks(t, w)
	if h.LostFrom.After(down) || h.LostTo.Sub(down) < 24*time.Hour {
		t.Errorf("webhooks %+v, down since %s", h, down)
	}
}

func TestWhatWasSaidWhileDownIsDoneBeforeWhatIsSaidNow(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) { c.Environments[1].Approvals.Count = 2 }})
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	w.Stop()
	say(t, w, n, bottest.Approver, "/approve prod")
	say(t, w, n, bottest.Approver, "/reject prod not yet")
	must(t, w.Forge.Settled(t.Context()))
	w.Clock.Skip(time.Hour)
	w.Forge.Fail(miniforge.Match{Path: "app/hook/deliveries"}, miniforge.Fault{Delay: 500 * time.Millisecond, Slow: true, Times: 1})
	w.Start()
	say(t, w, n, bottest.Approver, "/approve prod\n\nnow")
	w.Until("all is done", func() bool {
		return bottest.Reactions(lastSaid(w, n, "/approve prod\n\nnow")) != "" && bottest.Reactions(lastSaid(w, n, "/reject prod not yet")) != ""
	})
	w.Settle()
	w.AwaitSticky(n, "1 of 2 approvals") // an approval from before the rejection would not count
}

func TestAMissedWebhookThatCantBeReadIsSentAgain(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	w.Stop()
	say(t, w, n, bottest.Approver, "/approve prod")
	must(t, w.Forge.Settled(t.Context()))
	w.Clock.Skip(time.Hour)
	w.Forge.Fail(miniforge.Match{Method: http.MethodGet, Path: "app/hook/deliveries/*"}, miniforge.Fault{Status: http.StatusNotFound})
	w.Start()
	w.Await(n, "test done, prod done")
}
