package miniforge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// twoCommits opens a pull request with commits of ann and dora.
func (b *bench) twoCommits() int {
	b.t.Helper()
	must(b.t, b.AddUser(miniforge.User{Login: "dora"}))
	got[string](b.t)(b.Push(repo, "feature",
		miniforge.Commit{Author: "ann", Message: "Add b", Files: map[string]string{second: "SELECT 1;\n"}},
		miniforge.Commit{Author: "dora", Message: "Add c", Files: map[string]string{"migrations/3_c.sql": "SELECT 3;\n"}},
	))
	return got[int](b.t)(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "feature", Title: "Add b and c", Author: "ann"}))
}

// line is the first-parent history of main, newest first, as subjects.
func (b *bench) line() []*github.RepositoryCommit {
	b.t.Helper()
	all, _, err := b.in.Repositories.ListCommits(b.t.Context(), "acme", "orders", &github.CommitsListOptions{SHA: "main"})
	must(b.t, err)
	return all
}

func subject(c *github.RepositoryCommit) string {
	text, _, _ := strings.Cut(c.GetCommit().GetMessage(), "\n")
	return text
}

func TestMergeMethods(t *testing.T) {
	for method, want := range map[miniforge.MergeMethod]struct {
		subject, committer string
		commits, parents   int
		pulls              int // commits that are found to belong to the pull request
	}{
		miniforge.MergeCommit: {"Merge pull request #1 from acme/feature", "web-flow", 5, 2, 3},
		miniforge.Squash:      {"Add b and c (#1)", "web-flow", 3, 1, 1},
		miniforge.Rebase:      {"Add c", "bob", 4, 1, 2},
	} {
		t.Run(string(method), func(t *testing.T) {
			b := newBench(t, miniforge.Options{})
			n := b.twoCommits()
			got[string](t)(b.Push(repo, "main", miniforge.Commit{Author: "carl", Message: "Meanwhile", Files: map[string]string{"x.txt": "x"}}))
			sha := got[string](t)(b.Merge(repo, n, miniforge.MergeOptions{By: "bob", Method: method}))
			all := b.line()
			if len(all) != want.commits || all[0].GetSHA() != sha || subject(all[0]) != want.subject || len(all[0].Parents) != want.parents {
				t.Errorf("%d commits, the newest %q with %d parents", len(all), subject(all[0]), len(all[0].Parents))
			}
			if got := all[0].GetCommitter().GetLogin(); got != want.committer {
				t.Errorf("committed by %s, want %s", got, want.committer)
			}
			found := 0
			for _, c := range all {
				of, _, err := b.in.PullRequests.ListPullRequestsWithCommit(t.Context(), "acme", "orders", c.GetSHA(), nil)
				must(t, err)
				found += len(of)
			}
			if found != want.pulls {
				t.Errorf("%d commits of main belong to the pull request, want %d", found, want.pulls)
			}
			for _, file := range []string{second, "migrations/3_c.sql", "x.txt"} {
				if _, there := b.File(repo, "main", file); !there {
					t.Errorf("main lacks %s", file)
				}
			}
			if method == miniforge.Squash && !strings.Contains(all[0].GetCommit().GetMessage(), "Co-authored-by: Dora <dora@example.com>") {
				t.Errorf("the co-author is missing: %s", all[0].GetCommit().GetMessage())
			}
		})
	}
}

func TestMergeIsRefused(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	merge := func(o miniforge.MergeOptions) string {
		o.By = "bob"
		if _, err := b.Merge(repo, n, o); err != nil {
			return err.Error()
		}
		return ""
	}
	wants := func(when, got, want string) {
		t.Helper()
		if !strings.Contains(got, want) || got == "" {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	draft, ready := true, false
	must(t, b.EditPR(repo, n, miniforge.Edit{By: "ann", Draft: &draft}))
	wants("draft", merge(miniforge.MergeOptions{Bypass: true}), "draft")
	must(t, b.EditPR(repo, n, miniforge.Edit{By: "ann", Draft: &ready}))
	got[string](t)(b.Push(repo, "main", miniforge.Commit{Author: "carl", Message: "Clash", Files: map[string]string{second: "other\n"}}))
	wants("conflict", merge(miniforge.MergeOptions{Bypass: true}), second)
	got[string](t)(b.PushTo(repo, n, miniforge.Commit{Author: "ann", Message: "Rename", Delete: []string{second}, Files: map[string]string{"migrations/3.sql": "SELECT 3;\n"}}))
	must(t, b.ClosePR(repo, n, "ann"))
	wants("closed", merge(miniforge.MergeOptions{}), "closed")
}

// An admin merges although the check has failed.
func TestBypass(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	must(t, b.Protect(repo, "main", "sql-review"))
	n := b.openPR()
	b.check(n, "failure")
	got[string](t)(b.Merge(repo, n, miniforge.MergeOptions{By: "bob", Bypass: true}))
	if !b.pr(n).Merged {
		t.Error("not merged")
	}
}

// A pull request whose commits arrive on the base by a push is merged too.
func TestMergedByPush(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	head := b.pr(n).Head.SHA
	got[string](t)(b.ForcePush(repo, "main", head))
	if p := b.pr(n); !p.Merged || p.MergeSHA != head {
		t.Errorf("merged %v as %s", p.Merged, p.MergeSHA)
	}
}

func TestHistoryThroughTheAPI(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	start, head := b.Head(repo, "main"), b.pr(n).Head.SHA
	moved := got[string](t)(b.Push(repo, "main", miniforge.Commit{Author: "carl", Message: "Meanwhile", Files: map[string]string{"x.txt": "x"}}))
	for _, tc := range []struct{ from, to, status string }{
		{start, head, "ahead"}, {head, start, "behind"}, {moved, head, "diverged"}, {start, start, "identical"},
	} {
		c, _, err := b.in.Repositories.CompareCommits(t.Context(), "acme", "orders", tc.from, tc.to, nil)
		must(t, err)
		if c.GetStatus() != tc.status {
			t.Errorf("%s...%s: %s, want %s", tc.from[:7], tc.to[:7], c.GetStatus(), tc.status)
		}
	}
	if c, _, err := b.in.Repositories.CompareCommits(t.Context(), "acme", "orders", start, head, nil); err != nil || len(c.Files) != 1 || len(c.Commits) != 1 {
		t.Errorf("comparison with %d files: %v", len(c.Files), err)
	}
	rewritten := got[string](t)(b.ForcePush(repo, "main", start, miniforge.Commit{Author: "carl", Message: "Rewritten", Files: map[string]string{"y.txt": "y"}}))
	all := b.Deliveries()
	i := slices.IndexFunc(all, func(d miniforge.Delivery) bool {
		return d.Event == "push" && strings.Contains(string(d.Payload), rewritten)
	})
	if i < 0 || !strings.Contains(string(all[i].Payload), `"forced":true`) {
		t.Error("the force-push was not announced as one")
	}
	touched, _, err := b.in.Repositories.ListCommits(t.Context(), "acme", "orders", &github.CommitsListOptions{SHA: "feature", Path: "migrations"})
	must(t, err)
	if len(touched) != 2 {
		t.Errorf("%d commits touch migrations, want 2", len(touched))
	}
}
