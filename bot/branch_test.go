package bot_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers/miniforge"
)

const (
	orders    = "migrations/20260102_orders.sql"
	ordersSQL = "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
)

// push puts a commit of an author right on the branch, and settles.
func push(t *testing.T, w *bottest.World, author string, files map[string]string) {
	t.Helper()
	if _, err := w.Forge.Push(bottest.Repo, bottest.Branch, miniforge.Commit{Author: author, Message: "By hand", Files: files}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
}

func TestEveryWayToMergeMakesOneRelease(t *testing.T) {
	t.Parallel()
	for _, method := range []miniforge.MergeMethod{miniforge.MergeCommit, miniforge.Squash, miniforge.Rebase} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			w := bottest.New(t, bottest.Options{})
			n := w.Open("users", map[string]string{users: usersSQL})
			w.Push(n, map[string]string{orders: ordersSQL})
			w.Push(n, map[string]string{"README.md": "done"})
			if _, err := w.Forge.Merge(bottest.Repo, n, miniforge.MergeOptions{By: bottest.Approver, Method: method}); err != nil {
				t.Fatal(err)
			}
			w.Await(n, "test done, prod waiting")
			equal(t, "applied", w.Applied("orders-test"), "20260101 20260102")
			releases, err := w.Deploy.Releases(t.Context(), w.Config.Projects[0].ID(), 10)
			if err != nil || len(releases) != 1 || releases[0].PullRequest != n || len(releases[0].Migrations) != 2 {
				t.Fatalf("releases %+v, %v", releases, err)
			}
			equal(t, "author", bottest.Reactions(w.Say(n, bottest.Author, "/approve prod")), "eyes confused")
			equal(t, "approver", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
			w.Await(n, "test done, prod done")
		})
	}
}

func TestADirectPushIsShownAndApprovedWithTheNextPullRequest(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	push(t, w, bottest.Writer, map[string]string{users: usersSQL})
	equal(t, "test", w.Applied("orders-test"), "20260101")
	n := w.Open("orders", map[string]string{orders: ordersSQL})
	contains(t, "sticky", w.Sticky(n), "release 1, pushed directly: By hand (waiting)")
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "approve", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod --with-earlier")), "eyes rocket")
	w.Await(n, "test done, prod done")
	equal(t, "applied", w.Applied("orders-eu"), "20260101 20260102")
}

func TestFindingsAtTheMergeCommitCloseEveryGate(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("index", map[string]string{unsafe: unsafeSQL})
	w.Merge(n) // nothing requires the check here: as an admin could
	w.Await(n, "test waiting, prod waiting")
	contains(t, "sticky", w.Sticky(n), "the review at the merge commit found 1 blocking finding", "`/approve prod --despite-findings \"REASON\"`", "#### Blocking")
	equal(t, "without the flag", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	contains(t, "reply", w.Replies(n)[0], "recorded for release 2", "1 blocking finding", "--despite-findings")
	equal(t, "still closed", w.Stages(n), "test waiting, prod waiting")
	equal(t, "by the author", bottest.Reactions(w.Say(n, bottest.Author, `/approve prod --despite-findings "trust me"`)), "eyes confused")
	equal(t, "by an approver", bottest.Reactions(w.Say(n, bottest.Approver, `/approve prod --despite-findings "off hours"`)), "eyes rocket")
	w.Await(n, "test done, prod done")
}

func TestARewrittenBranchStopsAndSaysSo(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	base := w.Forge.Head(bottest.Repo, bottest.Branch)
	push(t, w, bottest.Writer, map[string]string{users: usersSQL})
	seenHead := w.Forge.Head(bottest.Repo, bottest.Branch)
	n := w.Open("orders", map[string]string{orders: ordersSQL})
	_, err := w.Forge.ForcePush(bottest.Repo, bottest.Branch, base, miniforge.Commit{Author: bottest.Writer, Message: "Again", Files: map[string]string{"README.md": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.AwaitSticky(n, "main was rewritten: "+seenHead[:8])
	if _, err := w.Forge.ForcePush(bottest.Repo, bottest.Branch, seenHead, miniforge.Commit{Author: bottest.Writer, Message: "Back", Files: map[string]string{"README.md": "y"}}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if strings.Contains(w.Sticky(n), "was rewritten") {
		t.Errorf("the refusal stays:\n%s", w.Sticky(n))
	}
}

func TestWhatWasThereBeforeIsNeverReleased(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Files: map[string]string{"migrations/20200101_old.sql": "CREATE TABLE old (id bigint PRIMARY KEY);\n"}})
	equal(t, "applied", w.Applied("orders-test"), "")
	push(t, w, bottest.Writer, map[string]string{"README.md": "x"})
	releases, err := w.Deploy.Releases(t.Context(), w.Config.Projects[0].ID(), 10)
	if err != nil || len(releases) != 0 {
		t.Errorf("releases %+v, %v", releases, err)
	}
	// An empty database is brought up from the first file.
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "applied", w.Applied("orders-test"), "20200101 20260101")
}

func TestABadFileThatWasMergedIsNamedAndAnswered(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	for name, c := range map[string]struct{ path, content, want string }{
		"not UTF-8": {"migrations/20260201_a.sql", "SELECT '\xff';\n", "UTF-8"},
		"20 MB":     {"migrations/20260202_a.sql", strings.Repeat("SELECT 'x';\n", 20<<20/12), "larger than"},
		"empty":     {"migrations/20260203_a.sql", "", "empty"},
	} {
		n := w.Open(strings.ReplaceAll(c.path, "/", "-"), map[string]string{c.path: c.content})
		w.Merge(n)
		w.Await(n, "test waiting, prod waiting")
		contains(t, name, w.Sticky(n), c.want, "`/skip ")
		version := strings.TrimPrefix(strings.TrimSuffix(c.path, "_a.sql"), "migrations/")
		equal(t, name, bottest.Reactions(w.Say(n, bottest.Approver, "/skip "+version+" test broken\n/skip "+version+" prod broken")), "eyes rocket")
	}
	n := w.Open("users", map[string]string{"migrations/20260301_users.sql": usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
}

func TestAMergeGroupGetsItsConclusion(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	if err := w.Forge.Protect(bottest.Repo, bottest.Branch, "sql-review"); err != nil {
		t.Fatal(err)
	}
	docs := w.Open("docs", map[string]string{"docs/x.md": "x"})
	if _, err := w.Forge.Enqueue(bottest.Repo, docs, bottest.Approver); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "merged without SQL", w.PR(docs).Merged, true)

	n := w.Open("orders", map[string]string{orders: ordersSQL})
	if _, err := w.Forge.Enqueue(bottest.Repo, n, bottest.Approver); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "merged with SQL", w.PR(n).Merged, true)
	w.Await(n, "test done, prod waiting")
}

func TestAMergeGroupThatHurtsIsStopped(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	if err := w.Forge.Protect(bottest.Repo, bottest.Branch, "sql-review"); err != nil {
		t.Fatal(err)
	}
	n := w.Open("items", map[string]string{"migrations/20260102_items.sql": "CREATE TABLE items (id bigint PRIMARY KEY);\n"})
	w.Forge.OnDelivery(func(d miniforge.Delivery) miniforge.Disposition {
		if d.Event == "push" { // so that the pull request's own check stays green
			return miniforge.Drop
		}
		return miniforge.Deliver
	})
	push(t, w, bottest.Writer, map[string]string{orders: ordersSQL})
	head, err := w.Forge.Enqueue(bottest.Repo, n, bottest.Approver)
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "merged", w.PR(n).Merged, false)
	checks := w.Forge.ChecksOf(bottest.Repo, head)
	if len(checks) != 1 || checks[0].Conclusion != "failure" || !strings.Contains(checks[0].Summary, "version 20260102 is taken") {
		t.Errorf("checks of the group: %+v", checks)
	}
}

func TestTheReviewRunsAgainWhenAskedTo(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("orders", map[string]string{unsafe: unsafeSQL})
	run := func(act func(check int64) error) []string {
		t.Helper()
		before := len(w.Forge.Requests())
		check, _ := w.PR(n).Check("sql-review")
		if err := act(check.ID); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		var read []string
		for _, r := range w.Forge.Requests()[before:] {
			if strings.HasSuffix(r.Path, "/files") {
				read = append(read, r.Path)
			}
		}
		return read
	}
	equal(t, "button", len(run(func(id int64) error { return w.Forge.RequestAction(bottest.Repo, id, "review", bottest.Writer) })), 1)
	equal(t, "button pressed by a stranger", len(run(func(id int64) error { return w.Forge.RequestAction(bottest.Repo, id, "review", bottest.Stranger) })), 0)
	equal(t, "re-run", len(run(func(id int64) error { return w.Forge.Rerequest(bottest.Repo, id, bottest.Writer) })), 1)
	equal(t, "re-run all", len(run(func(int64) error { return w.Forge.RerequestSuite(bottest.Repo, w.PR(n).Head.SHA, bottest.Writer) })), 1)
	equal(t, "command", len(run(func(int64) error {
		_, err := w.Forge.CommentAs(bottest.Repo, n, bottest.Writer, "/review")
		return err
	})), 1)
}
