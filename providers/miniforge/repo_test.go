package miniforge_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

func TestFilesThroughTheAPI(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	sha := got[string](t)(b.Push(repo, "odd/branch", miniforge.Commit{
		Author: "Eve Stranger <eve@nowhere.example>", Message: "Add odd files",
		Files: map[string]string{"migrations/ü 1.sql": "SELECT 'ü';\n"}, Symlinks: map[string]string{"migrations/link.sql": "/etc/passwd"},
	}))
	ctx := t.Context()
	branch, _, err := b.in.Repositories.GetBranch(ctx, "acme", "orders", "odd/branch", 0)
	must(t, err)
	if branch.GetCommit().GetSHA() != sha || branch.GetCommit().GetAuthor().GetLogin() != "" {
		t.Errorf("the branch is at %s by %q", branch.GetCommit().GetSHA(), branch.GetCommit().GetAuthor().GetLogin())
	}
	ref, _, err := b.in.Git.GetRef(ctx, "acme", "orders", "heads/odd/branch")
	must(t, err)
	commit, _, err := b.in.Git.GetCommit(ctx, "acme", "orders", ref.GetObject().GetSHA())
	must(t, err)
	tree, _, err := b.in.Git.GetTree(ctx, "acme", "orders", sha, true)
	must(t, err)
	modes := map[string]string{}
	for _, e := range tree.Entries {
		modes[e.GetPath()] = e.GetMode()
	}
	want := map[string]string{
		"README.md": "100644", "migrations": "040000", first: "100644", "migrations/link.sql": "120000", "migrations/ü 1.sql": "100644",
	}
	if diff := cmp.Diff(want, modes); diff != "" || tree.GetSHA() != commit.GetTree().GetSHA() || tree.GetTruncated() {
		t.Errorf("tree %s (-want +got):\n%s", tree.GetSHA(), diff)
	}
	file, _, _, err := b.in.Repositories.GetContents(ctx, "acme", "orders", "migrations/ü 1.sql", &github.RepositoryContentGetOptions{Ref: sha})
	must(t, err)
	blob, _, err := b.in.Git.GetBlob(ctx, "acme", "orders", file.GetSHA())
	must(t, err)
	bytes := got[[]byte](t)(base64.StdEncoding.DecodeString(blob.GetContent()))
	if text := got[string](t)(file.GetContent()); text != "SELECT 'ü';\n" || string(bytes) != text {
		t.Errorf("content %q, blob %q", text, bytes)
	}
	_, folder, _, err := b.in.Repositories.GetContents(ctx, "acme", "orders", "migrations", &github.RepositoryContentGetOptions{Ref: "odd/branch"})
	must(t, err)
	if len(folder) != 3 {
		t.Errorf("%d entries in the folder", len(folder))
	}
	if _, _, _, err := b.in.Repositories.GetContents(ctx, "acme", "orders", "nothing.sql", nil); status(err) != http.StatusNotFound {
		t.Errorf("a missing file: %v", err)
	}
}

// An archive holds what the tree holds, below one folder, and links as links.
func TestArchive(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	sha := got[string](t)(b.Push(repo, "main", miniforge.Commit{
		Author: "ann", Message: "Link", Symlinks: map[string]string{"link.sql": "/etc/passwd"},
	}))
	link, _, err := b.in.Repositories.GetArchiveLink(t.Context(), "acme", "orders", github.Tarball, &github.RepositoryContentGetOptions{Ref: sha}, 1)
	must(t, err)
	answer := got[*http.Response](t)(http.Get(link.String()))
	defer answer.Body.Close()
	tape := tar.NewReader(got[*gzip.Reader](t)(gzip.NewReader(answer.Body)))
	found := map[string]string{}
	for {
		h, err := tape.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		_, path, _ := strings.Cut(h.Name, "/")
		found[path] = string(got[[]byte](t)(io.ReadAll(tape))) + h.Linkname
	}
	want := map[string]string{
		"": "", first: "CREATE TABLE a (id int);\n", "README.md": "# orders\n", "link.sql": "/etc/passwd",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	if status, _ := fetch(t, b.URL()+link.Path); status != http.StatusNotFound {
		t.Errorf("without its key the archive answers %d", status)
	}
}

// A fork's pull request: its head is elsewhere, checks don't name it, and its
// commits are readable through the base.
func TestFork(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	fork := got[string](t)(b.Fork(repo, "carl"))
	sha := got[string](t)(b.Push(fork, "mine", miniforge.Commit{Author: "carl", Message: "Add b", Files: map[string]string{second: "SELECT 1;\n"}}))
	n := got[int](t)(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "carl:mine", Title: "From outside", Author: "carl"}))
	pr, _, err := b.in.PullRequests.Get(t.Context(), "acme", "orders", n)
	must(t, err)
	if !pr.GetHead().GetRepo().GetFork() || pr.GetHead().GetRepo().GetFullName() != fork || pr.GetBase().GetRepo().GetFork() {
		t.Errorf("head in %s, fork %v", pr.GetHead().GetRepo().GetFullName(), pr.GetHead().GetRepo().GetFork())
	}
	if run := b.check(n, "success"); len(run.PullRequests) != 0 {
		t.Errorf("the check names pull requests of a fork: %v", run.PullRequests)
	}
	if _, _, err := b.in.Git.GetTree(t.Context(), "acme", "orders", sha, true); err != nil {
		t.Errorf("the fork's commit isn't readable through the base: %v", err)
	}
	_, _, err = b.in.Issues.CreateComment(t.Context(), "carl", "orders", 1, &github.IssueComment{Body: github.String("x")})
	if status(err) != http.StatusForbidden {
		t.Errorf("writing to the fork: %v", err)
	}
	for _, d := range b.Deliveries() {
		if d.Repository == fork {
			t.Errorf("%s of the fork was delivered", d.Event)
		}
	}
	must(t, b.DeleteBranch(fork, "mine", "carl"))
	if b.pr(n).State != "closed" {
		t.Error("still open although its branch is gone")
	}
}

// Beyond 3,000 files GitHub's list just ends.
func TestManyFiles(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	files := map[string]string{}
	for i := range 3001 {
		files[fmt.Sprintf("migrations/%04d_x.sql", i+10)] = fmt.Sprintf("SELECT %d;\n", i)
	}
	got[string](t)(b.Push(repo, "huge", miniforge.Commit{Author: "ann", Message: "Huge", Files: files}))
	n := got[int](t)(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "huge", Title: "Huge", Author: "ann"}))
	page := func(at int) int {
		list, _, err := b.in.PullRequests.ListFiles(t.Context(), "acme", "orders", n, &github.ListOptions{PerPage: 100, Page: at})
		must(t, err)
		return len(list)
	}
	pr, _, err := b.in.PullRequests.Get(t.Context(), "acme", "orders", n)
	must(t, err)
	if full, over := page(30), page(31); full != 100 || over != 0 || pr.GetChangedFiles() != 3001 {
		t.Errorf("page 30 has %d, page 31 %d, of %d changed files", full, over, pr.GetChangedFiles())
	}
}
