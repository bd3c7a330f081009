package bottest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// patience is how long a story waits for something that must come.
const patience = 2 * time.Minute

// Settle waits until every webhook was delivered and every job that may run has
// run, those they led to included.
func (w *World) Settle() {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for before := -1; before != w.events(); {
		before = w.events()
		w.must(w.Forge.Settled(ctx))
		if w.isDown() && !w.revive() {
			return
		}
		// Idle reads the clock before the jobs: one that was enqueued in between
		// looks as if it were for later. Several looks in a row don't all miss it.
		for range 3 {
			w.idle(ctx)
		}
	}
}

// idle waits until no job runs, and starts the app again if it dies meanwhile.
func (w *World) idle(ctx context.Context) {
	w.tb.Helper()
	for {
		look, cancel := context.WithTimeout(ctx, time.Second)
		err := w.Queue.Idle(look)
		cancel()
		if err == nil || ctx.Err() != nil {
			w.must(err)
			return
		}
		w.revive() //nolint:contextcheck // what it starts outlives the look
	}
}

// events counts what happened on the forge.
func (w *World) events() int { return len(w.Forge.Deliveries()) + len(w.Forge.Requests()) }

// Open opens a pull request of Author with one commit, and settles.
func (w *World) Open(branch string, files map[string]string) int {
	w.tb.Helper()
	_, err := w.Forge.Push(w.Repo, branch, miniforge.Commit{Author: Author, Message: "Change " + branch, Files: files})
	w.must(err)
	n, err := w.Forge.OpenPR(miniforge.NewPR{Repo: w.Repo, Head: branch, Title: "Change " + branch, Author: Author})
	w.must(err)
	w.Settle()
	return n
}

// Push adds a commit of Author to a pull request, and settles.
func (w *World) Push(n int, files map[string]string, deleted ...string) {
	w.tb.Helper()
	_, err := w.Forge.PushTo(w.Repo, n, miniforge.Commit{Author: Author, Message: "Change again", Files: files, Delete: deleted})
	w.must(err)
	w.Settle()
}

// Merge merges a pull request as Approver, and settles.
func (w *World) Merge(n int) {
	w.tb.Helper()
	_, err := w.Forge.Merge(w.Repo, n, miniforge.MergeOptions{By: Approver})
	w.must(err)
	w.Settle()
}

// Say comments on a pull request, settles, and returns the comment as it then is.
func (w *World) Say(n int, login, body string) miniforge.Comment {
	w.tb.Helper()
	id, err := w.Forge.CommentAs(w.Repo, n, login, body)
	w.must(err)
	w.Settle()
	for _, c := range w.PR(n).Comments {
		if c.ID == id {
			return c
		}
	}
	w.tb.Fatalf("comment %d is gone", id)
	return miniforge.Comment{}
}

// PR reads a pull request.
func (w *World) PR(n int) miniforge.PullRequest {
	w.tb.Helper()
	pr, ok := w.Forge.PR(w.Repo, n)
	if !ok {
		w.tb.Fatalf("there is no pull request %d", n)
	}
	return pr
}

// Check reads the newest sql-review of the head commit, as "conclusion: title".
func (w *World) Check(n int) string {
	w.tb.Helper()
	check, ok := w.PR(n).Check("sql-review")
	if !ok {
		return ""
	}
	return check.Conclusion + ": " + check.Title
}

// Own are the texts of the app's comments on a pull request, oldest first.
func (w *World) Own(n int) []string {
	w.tb.Helper()
	var own []string
	for _, c := range w.PR(n).Comments {
		if c.ByApp {
			own = append(own, c.Body)
		}
	}
	return own
}

// Sticky is the text of the sticky comment, "" when there is none. More than one
// fails the test.
func (w *World) Sticky(n int) string {
	w.tb.Helper()
	found := w.with(n, fmt.Sprintf("<!-- shipsql:v1 kind=main pr=%d -->", n))
	if len(found) > 1 {
		w.tb.Errorf("%d sticky comments", len(found))
	}
	return strings.Join(found, "")
}

// Notices are the comments that notify people.
func (w *World) Notices(n int) []string { return w.with(n, "<!-- shipsql:v1 kind=notice") }

// Replies are the answers to commands.
func (w *World) Replies(n int) []string { return w.with(n, "<!-- shipsql:v1 kind=reply") }

func (w *World) with(n int, marker string) []string {
	w.tb.Helper()
	var found []string
	for _, body := range w.Own(n) {
		if strings.Contains(body, marker) {
			found = append(found, body)
		}
	}
	return found
}

// Reactions are the app's reactions to a comment, in their order.
func Reactions(c miniforge.Comment) string {
	var all []string
	for _, r := range c.Reactions {
		all = append(all, r.Content)
	}
	return strings.Join(all, " ")
}

// Stages are the states of a pull request's release: "test done, prod waiting".
func (w *World) Stages(n int) string {
	w.tb.Helper()
	return w.StagesIn(Repository, n)
}

// StagesIn are those of a repository that is configured under another name.
func (w *World) StagesIn(repository string, n int) string {
	w.tb.Helper()
	rollouts, err := w.Deploy.RolloutsOfPR(w.tb.Context(), repository, n)
	w.must(err)
	var all []string
	for _, r := range rollouts {
		for _, s := range r.Stages {
			all = append(all, s.Environment+" "+string(s.State))
		}
	}
	return strings.Join(all, ", ")
}

// Await waits until the stages of a pull request are as wanted, and settles.
func (w *World) Await(n int, stages string) {
	w.tb.Helper()
	w.Until("the stages are "+stages, func() bool { return w.Stages(n) == stages })
	w.Settle()
}

// Until waits until a condition holds that no event tells.
func (w *World) Until(what string, holds func() bool) {
	w.tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		w.revive()
		if time.Now().After(deadline) {
			w.tb.Fatalf("it never came that %s; the stages of #1 are %q", what, w.Stages(1))
		}
	}
}

// Applied are the versions that a database's ledger holds as applied.
func (w *World) Applied(database string) string {
	w.tb.Helper()
	target := w.engine.Open(secret.Literal(w.Databases[database]))
	entries, err := target.Status(w.tb.Context(), executor.DefaultHistory, nil)
	w.must(err)
	var versions []string
	for _, e := range entries {
		if e.State == executor.StateMissing || e.State == executor.StateApplied {
			versions = append(versions, e.Version)
		}
	}
	return strings.Join(versions, " ")
}

// Road are the configured environments of the world's project.
func (w *World) Road() []deploy.Environment { return w.Config.Road(w.Config.Projects[0]) }

// Reconcile makes the app compare itself with the forge now, and settles.
func (w *World) Reconcile() {
	w.tb.Helper()
	w.must(w.Store.Tx(w.tb.Context(), func(tx *store.Tx) error {
		return w.Queue.Enqueue(w.tb.Context(), tx, queue.NewJob{Kind: bot.JobReconcile, Key: bot.JobReconcile, Payload: struct{}{}, Coalesce: true})
	}))
	w.Settle()
}

// AwaitSticky waits until the sticky comment of a pull request holds the text.
func (w *World) AwaitSticky(n int, text string) {
	w.tb.Helper()
	w.Until(fmt.Sprintf("the sticky comment says %q", text), func() bool { return strings.Contains(w.Sticky(n), text) })
}
