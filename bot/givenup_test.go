package bot_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/queue"
)

// Nobody but a person would ask for a release's review again, and everything
// behind it waits.
func TestAReleasesReviewThatWasGivenUpIsTriedAnew(t *testing.T) {
	t.Parallel()
	const policy, blob = "rules: {}\n", "550e33a7cc5d3fe511a64b67668bebdccb9d6ff2" // its name in git
	w := bottest.New(t, bottest.Options{
		Files: map[string]string{".shipsql.yaml": policy}, Queue: func(o *queue.Options) { o.MaxAttempts = 2 },
	})
	mend := w.Forge.Fail(miniforge.Match{Path: "repos/*/*/git/blobs/" + blob}, miniforge.Fault{Status: 404})
	push(t, w, bottest.Writer, map[string]string{users: usersSQL})
	for times := range 2 {
		w.Until("the review is given up", func() bool { return givenUp(t, w, "release:") == times+1 })
		equal(t, "applied", w.Applied("orders-test"), "")
		if times > 0 {
			mend()
		}
		w.Clock.Skip(time.Hour)
		w.Settle()
	}
	equal(t, "applied", w.Applied("orders-test"), "20260101")
}

// givenUp counts the dead jobs whose key begins so.
func givenUp(t *testing.T, w *bottest.World, prefix string) (n int) {
	t.Helper()
	dead, err := w.Queue.Dead(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range dead {
		if strings.HasPrefix(job.Key, prefix) {
			n++
		}
	}
	return n
}

// The check of a merge group that can't be reviewed ends, and closed: the queue
// must neither wait for ever nor merge.
func TestAMergeGroupWhoseReviewIsGivenUpIsStopped(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	if err := w.Forge.Protect(bottest.Repo, bottest.Branch, "sql-review"); err != nil {
		t.Fatal(err)
	}
	n := w.Open("orders", map[string]string{orders: ordersSQL})
	mend := w.Forge.Fail(miniforge.Match{Path: "repos/*/*/git/trees/*"}, miniforge.Fault{Status: 404})
	head, err := w.Forge.Enqueue(bottest.Repo, n, bottest.Approver)
	if err != nil {
		t.Fatal(err)
	}
	w.Until("the check has ended", func() bool {
		checks := w.Forge.ChecksOf(bottest.Repo, head)
		return len(checks) == 1 && checks[0].Conclusion == "failure" && strings.Contains(checks[0].Summary, "was given up")
	})
	w.Settle()
	equal(t, "merged", w.PR(n).Merged, false)
	mend()
	if _, err := w.Forge.Enqueue(bottest.Repo, n, bottest.Approver); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "merged when queued again", w.PR(n).Merged, true)
}

// Who has a comment's job run again means that comment, whatever else is said on
// the pull request meanwhile.
func TestACommentWhoseJobIsRetriedIsCarriedOut(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Queue: func(o *queue.Options) { o.MaxAttempts = 2 }})
	n := w.Open("orders", map[string]string{orders: ordersSQL})
	fails := func(path string, status int) (mend func()) {
		return w.Forge.Fail(miniforge.Match{Method: "GET", Path: "repos/*/*/issues/comments/" + path}, miniforge.Fault{Status: status})
	}
	ask := func() string {
		question, err := w.Forge.CommentAs(bottest.Repo, n, bottest.Approver, "/shipsql help")
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatInt(question, 10)
	}
	mend := fails("*", 404)
	ask()
	w.Until("the comment's job is given up", func() bool { return givenUp(t, w, "comments:") == 1 })
	mend()
	mend = fails("*", 502)
	mendNext := fails(ask(), 502)
	w.Until("the next comment waits", func() bool {
		return number(t, w, "SELECT count(*) FROM queue_jobs WHERE kind = 'delivery' AND attempts > 0 AND state = 'ready'") == 1
	})
	mend()
	dead, err := w.Queue.Dead(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Queue.Revive(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	w.Until("the comment is answered", func() bool { return len(w.Replies(n)) == 1 })
	mendNext()
	w.Until("both are answered", func() bool { return len(w.Replies(n)) == 2 })
	equal(t, "deliveries given up", number(t, w, "SELECT count(*) FROM bot_deliveries WHERE state = 'failed'"), 0)
}
