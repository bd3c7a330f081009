package bot_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/queue"
)

// The process dies between the forge's taking of a write and our note of it, for
// each kind of write: the next one finds what is there.
func TestAProcessThatDiesAfterAWriteLeavesOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, path string }{
		"sticky comment":    {http.MethodPost, "repos/*/*/issues/*/comments"},
		"check":             {http.MethodPost, "repos/*/*/check-runs"},
		"suggestions":       {http.MethodPost, "repos/*/*/pulls/*/reviews"},
		"deployment":        {http.MethodPost, "repos/*/*/deployments"},
		"deployment status": {http.MethodPost, "repos/*/*/deployments/*/statuses"},
		"edited comment":    {http.MethodPatch, "repos/*/*/issues/comments/*"},
		"reaction":          {http.MethodPost, "repos/*/*/issues/comments/*/reactions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := deployed(t, bottest.Options{})
			w.DieAfter(c.method, c.path, "")
			all(t, w)
			equal(t, "died", w.Died(), true)
		})
	}
}

// The same for comments of their own: answers, and what notifies people.
func TestAProcessThatDiesAfterACommentLeavesOne(t *testing.T) {
	t.Parallel()
	for name, marker := range map[string]string{"answer": "kind=reply", "end": `about=\"finished`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := deployed(t, bottest.Options{})
			w.DieAfter(http.MethodPost, "repos/*/*/issues/*/comments", marker)
			all(t, w)
			equal(t, "died", w.Died(), true)
		})
	}
}

// answersTo counts the answers to a comment.
func answersTo(w *bottest.World, n int, question miniforge.Comment) int {
	return strings.Count(strings.Join(w.Replies(n), "\n"), fmt.Sprintf("comment=%d ", question.ID))
}

// all lets a change with a fix beside its line go the whole way and looks for
// anything that is there twice.
func all(t *testing.T, w *bottest.World) {
	t.Helper()
	n := w.Open("index", map[string]string{unsafe: unsafeSQL})
	w.Until("the review is shown", func() bool { return w.Check(n) != "" && len(w.PR(n).ReviewComments) > 0 && w.Sticky(n) != "" })
	w.Settle()
	equal(t, "checks", len(w.PR(n).Checks), 1)
	equal(t, "inline comments", len(w.PR(n).ReviewComments), 1)
	if _, err := w.Forge.Merge(w.Repo, n, miniforge.MergeOptions{By: bottest.Approver}); err != nil {
		t.Fatal(err)
	}
	w.Await(n, "test waiting, prod waiting")
	nowhere := w.Say(n, bottest.Approver, "/shipsql approve nowhere")
	approval := w.Say(n, bottest.Approver, `/approve prod --despite-findings "small"`)
	w.Await(n, "test done, prod done")
	w.AwaitSticky(n, "done in every environment")
	w.Until("the end is told", func() bool { return strings.Contains(strings.Join(w.Notices(n), "\n"), "is done") })
	w.Settle()
	w.Sticky(n) // fails when there are two
	equal(t, "answers", answersTo(w, n, nowhere), 1)
	// Who dies between an approval and its answer finds it carried out by then, and
	// leaves it at the mark.
	if answers := answersTo(w, n, approval); answers > 1 {
		t.Errorf("%d answers to the approval", answers)
	}
	equal(t, "command", bottest.Reactions(lastSaid(w, n, `/approve prod --despite-findings "small"`)), "eyes rocket")
	seen := map[string]bool{}
	for _, body := range w.Own(n) {
		marker, _, _ := strings.Cut(body, "-->")
		if seen[marker] {
			t.Errorf("twice: %s", marker)
		}
		seen[marker] = true
	}
	var states []string
	for _, d := range w.Forge.Deployments(w.Repo) {
		if d.SHA == w.PR(n).MergeSHA {
			states = append(states, d.Environment+" "+d.State())
		}
	}
	equal(t, "deployments", strings.Join(states, ", "), "test success, prod success")
}

// While the forge fails in every way, a deploy goes on; once it is back the view
// shows the end, and nothing twice.
func TestAStormOfFaultsEndsInOneOfEverything(t *testing.T) {
	t.Parallel()
	kinds := []miniforge.Kind{miniforge.SecondaryLimit, miniforge.BadGateway, miniforge.CutAfter, miniforge.CutHalfway}
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		kinds = miniforge.Kinds
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := deployed(t, bottest.Options{})
			w.Forge.Storm(1, 0.15, kind)
			n := w.Open("table", map[string]string{orders: ordersSQL})
			w.Until("it is reviewed", func() bool { return strings.HasPrefix(w.Check(n), "success") })
			if _, err := w.Forge.Merge(w.Repo, n, miniforge.MergeOptions{By: bottest.Approver}); err != nil {
				t.Fatal(err)
			}
			w.Until("test is done", func() bool { return w.Stages(n) == "test done, prod waiting" })
			w.Say(n, bottest.Approver, "/approve prod")
			w.Until("prod is done", func() bool { return w.Stages(n) == "test done, prod done" })
			w.Forge.Calm()
			w.AwaitSticky(n, "done in every environment")
			w.Until("the end is told", func() bool {
				return len(w.Notices(n)) > 0 && strings.Contains(w.Notices(n)[len(w.Notices(n))-1], "is done")
			})
			w.Until("the command is marked", func() bool { return bottest.Reactions(lastSaid(w, n, "/approve prod")) == "eyes rocket" })
			w.Settle()
			equal(t, "checks", len(w.PR(n).Checks), 1)
			equal(t, "answers", w.Replies(n), nil)
			equal(t, "applied", w.Applied("orders-eu"), "20260101 20260102")
			w.Sticky(n)
		})
	}
}

// What the forge refuses for a while, as it would for ever, is written once it
// doesn't any more.
func TestWhatIsRefusedForAWhileIsWrittenInTheEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			w := deployed(t, bottest.Options{})
			back := w.Forge.Fail(miniforge.Match{Method: http.MethodPost}, miniforge.Fault{Status: status})
			edits := w.Forge.Fail(miniforge.Match{Method: http.MethodPatch}, miniforge.Fault{Status: status})
			n := w.Open("table", map[string]string{orders: ordersSQL})
			w.Merge(n)
			w.Until("test is done", func() bool { return w.Stages(n) == "test done, prod waiting" })
			back()
			edits()
			w.Clock.Skip(11 * time.Minute)
			w.AwaitSticky(n, "waiting for approval of prod")
			w.Settle()
			equal(t, "notices", len(w.Notices(n)), 1)
		})
	}
}

func TestTwoNodesOnOneStoreSayEverythingOnce(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	other := w.NewNode(func(o *queue.Options) { o.Workers = 4 })
	for i := range 3 {
		n := w.Open("t"+string('a'+rune(i)), map[string]string{"migrations/2026040" + string('1'+rune(i)) + "_t.sql": "CREATE TABLE t" + string('a'+rune(i)) + " (id bigint PRIMARY KEY);\n"})
		for _, d := range w.Forge.Deliveries() { // each to both nodes, again and again
			if event, err := w.Provider.ParseWebhook(d.Header, d.Payload); err == nil {
				_, err := other.Bot.Receive(t.Context(), bot.Delivery{Provider: w.Provider.Name(), GUID: event.Delivery, Event: event})
				must(t, err)
			}
		}
		w.Merge(n)
		w.Await(n, "test done, prod waiting")
		equal(t, "command", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
		w.Await(n, "test done, prod done")
		w.Say(n, bottest.Approver, "/shipsql approve nowhere")
		w.AwaitSticky(n, "done in every environment")
		w.Settle()
		equal(t, "checks", len(w.PR(n).Checks), 1)
		equal(t, "comments", len(w.Own(n)), 4) // sticky, two notices, one answer
		equal(t, "answers", len(w.Replies(n)), 1)
	}
}

func TestAPoolsDatabaseIsReadByItsWorker(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) {
		for i := range c.Databases {
			if c.Databases[i].Environment == "prod" {
				c.Databases[i].Worker = "eu"
			}
		}
	}})
	n := w.Open("users", map[string]string{users: usersSQL})
	contains(t, "sticky", w.Sticky(n), "without orders-eu's catalog: no worker online for eu")
	w.NewNode(func(o *queue.Options) { o.Pools = []string{"eu"} })
	w.Merge(n)
	w.Say(n, bottest.Approver, "/approve prod")
	w.Await(n, "test done, prod done")
	next := w.Open("index", map[string]string{unsafe: unsafeSQL})
	w.Until("it is reviewed", func() bool { return w.Check(next) != "" })
	w.AwaitSticky(next, "with the catalog of orders-eu")
	contains(t, "what the review knows of the table", w.Sticky(next), "blocks all writes to public.users (empty)")
}

// Between the domain's yes and our note of it nothing is asked of the forge, so
// the note is taken away here.
func TestACommandThatWasCarriedOutUnnotedIsNotRefused(t *testing.T) {
	t.Parallel()
	const approve = "/approve prod\n\nunnoted"
	w, n := waiting(t, bottest.Options{})
	said := w.Say(n, bottest.Approver, approve)
	w.Await(n, "test done, prod done")
	guid := ""
	for _, d := range w.Forge.Deliveries() {
		if d.Event == "issue_comment" && strings.Contains(string(d.Payload), "unnoted") {
			guid = d.GUID
		}
	}
	for statement, arg := range map[string]any{
		`DELETE FROM bot_commands WHERE comment_id = $1`:               said.ID,
		`UPDATE bot_deliveries SET state = 'received' WHERE guid = $1`: guid,
	} {
		_, err := w.Store.Exec(t.Context(), statement, arg)
		must(t, err)
	}
	must(t, w.Forge.Redeliver(guid))
	w.Settle()
	equal(t, "reactions", bottest.Reactions(lastSaid(w, n, approve)), "eyes rocket")
	equal(t, "answers", w.Replies(n), nil)
	var outcome string
	must(t, w.Store.QueryRow(t.Context(), `SELECT outcome FROM bot_commands WHERE comment_id = $1`, said.ID).Scan(&outcome))
	equal(t, "outcome", outcome, "accepted")
}
