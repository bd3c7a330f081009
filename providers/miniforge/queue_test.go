package miniforge_test

import (
	"slices"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
)

// conclude reports the required check on a commit.
func (b *bench) conclude(sha, conclusion string) {
	b.t.Helper()
	_, _, err := b.in.Checks.CreateCheckRun(b.t.Context(), "acme", "orders", github.CreateCheckRunOptions{
		Name: "sql-review", HeadSHA: sha, Status: github.String("completed"), Conclusion: &conclusion,
	})
	must(b.t, err)
}

// queued puts a green pull request into the queue.
func (b *bench) queued() (n int, group string) {
	b.t.Helper()
	must(b.t, b.Protect(repo, "main", "sql-review"))
	n = b.openPR()
	if _, err := b.Enqueue(repo, n, "bob"); err == nil {
		b.t.Error("queued without the required check")
	}
	b.conclude(b.pr(n).Head.SHA, "success")
	group = got[string](b.t)(b.Enqueue(repo, n, "bob"))
	if p := b.pr(n); p.Queued != group || p.Merged {
		b.t.Errorf("in the queue as %q, merged %v", p.Queued, p.Merged)
	}
	return n, group
}

func (b *bench) mergeGroupEvents() []string {
	var list []string
	for _, d := range b.Deliveries() {
		if d.Event != "merge_group" {
			continue
		}
		list = append(list, d.Action)
		if err := contract.Webhook(d.Event, d.Action, d.Payload); err != nil {
			b.t.Error(err)
		}
	}
	return list
}

func TestMergeQueueMergesWhenGreen(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n, group := b.queued()
	b.conclude(group, "neutral")
	if p := b.pr(n); !p.Merged || p.MergeSHA != group || b.Head(repo, "main") != group || p.Queued != "" {
		t.Errorf("merged %v as %s, main at %s, want %s", p.Merged, p.MergeSHA, b.Head(repo, "main"), group)
	}
	if got := b.mergeGroupEvents(); !slices.Equal(got, []string{"checks_requested", "destroyed"}) {
		t.Errorf("events %v", got)
	}
}

func TestMergeQueueGivesUpWhenRed(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n, group := b.queued()
	b.conclude(group, "failure")
	if p := b.pr(n); p.Merged || p.Queued != "" || p.State != "open" {
		t.Errorf("merged %v, queued %q, %s", p.Merged, p.Queued, p.State)
	}
	if got := b.mergeGroupEvents(); !slices.Equal(got, []string{"checks_requested", "destroyed"}) {
		t.Errorf("events %v", got)
	}
}
