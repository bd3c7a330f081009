package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

func readRepository(st *stage) {
	st.equal("name", st.repo.String(), st.p.Name()+"/"+repository)
	if st.repo.ID == 0 || st.repo.Installation == 0 {
		st.Errorf("no ids: %+v", st.repo)
	}
	again, err := st.p.Repository(st.Context(), strings.ToUpper(repository))
	st.must(err)
	st.equal("the same in other letters", again, st.repo)
	_, err = st.p.Repository(st.Context(), "acme/nothing")
	if fault.CodeOf(err) != fault.NotFound {
		st.Errorf("a repository that isn't there: %v", err)
	}
}

func readPullRequests(st *stage) {
	n := st.open()
	fork := st.s.Fork(repository, "carl")
	st.s.Push(fork, "patch", Commit{Author: "carl", Message: "Patch", Files: map[string]string{"README.md": "# Mine\n"}})
	forked := st.s.Open(repository, PullRequest{Head: "carl:patch", Author: "carl", Title: "Patch", Draft: true, Labels: []string{"docs"}})

	pr := st.pull(n)
	head, err := st.p.Head(st.Context(), st.repo, "feature")
	st.must(err)
	base, err := st.p.Head(st.Context(), st.repo, "main")
	st.must(err)
	st.equal("base", pr.Base, providers.Ref{Repo: repository, Name: "main", SHA: base.SHA})
	st.equal("head", pr.Head, providers.Ref{Repo: repository, Name: "feature", SHA: head.SHA})
	if !pr.Open || pr.Draft || pr.Merged || pr.Fork || pr.MergeCommit != "" || pr.Title != "Add orders" || pr.Author.Login != "ann" || pr.URL == "" {
		st.Errorf("pull request: %+v", pr)
	}
	foreign := st.pull(forked)
	if !foreign.Draft || !foreign.Fork || foreign.Head.Repo != fork || !slices.Equal(foreign.Labels, []string{"docs"}) {
		st.Errorf("pull request of a fork: %+v", foreign)
	}

	open, err := st.p.OpenPullRequests(st.Context(), st.repo, "main")
	st.must(err)
	st.equal("open pull requests, newest first", numbersOf(open), []int{forked, n})
	st.s.Close(repository, forked, "carl")
	if st.pull(forked).Open {
		st.Error("a closed pull request is open")
	}
	open, err = st.p.OpenPullRequests(st.Context(), st.repo, "main")
	st.must(err)
	st.equal("open pull requests after one was closed", numbersOf(open), []int{n})
	open, err = st.p.OpenPullRequests(st.Context(), st.repo, "release")
	st.must(err)
	st.equal("open pull requests into another branch", numbersOf(open), []int{})

	if _, err := st.p.PullRequest(st.Context(), st.repo, 999); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("a pull request that isn't there: %v", err)
	}
}

func numbersOf(prs []providers.PullRequest) []int {
	numbers := []int{}
	for _, pr := range prs {
		numbers = append(numbers, pr.Number)
	}
	return numbers
}

func readFiles(st *stage) {
	n := st.open()
	st.s.Push(repository, "feature", Commit{
		Author: "ann", Message: "Change more", Delete: []string{"README.md"},
		Files: map[string]string{firstPath: firstSQL + "-- more\n"},
	})
	files, err := st.p.ChangedFiles(st.Context(), st.repo, n)
	st.must(err)
	byPath := map[string]providers.ChangedFile{}
	for _, f := range files {
		byPath[f.Path] = f
	}
	for path, want := range map[string]providers.FileStatus{
		secondPath: providers.Added, firstPath: providers.Modified, "README.md": providers.Removed,
	} {
		st.equal("status of "+path, byPath[path].Status, want)
	}
	st.equal("number of files", len(files), 3)
	st.equal("lines of the diff", byPath[secondPath].DiffLines(), []providers.LineRange{{First: 1, Last: 4}})

	added := byPath[secondPath]
	contents, err := st.p.Blobs(st.Context(), st.repo, st.pull(n).Head.SHA, []providers.TreeEntry{{Path: added.Path, Blob: added.Blob}})
	st.must(err)
	st.equal("content by the diff's blob id", string(contents[added.Blob]), secondSQL)
	st.equal("blob id of a removed file", byPath["README.md"].Blob, "")
}

func readTrees(st *stage) {
	files := map[string]string{}
	for i := range 30 {
		files[fmt.Sprintf("db/migrations/%d_x.sql", i+10)] = fmt.Sprintf("SELECT %d; -- é\n", i)
	}
	sha := st.s.Push(repository, "main", Commit{
		Author: "ann", Message: "Add many", Files: files, Symlinks: map[string]string{"db/migrations/link.sql": "1_users.sql"},
	})
	files[firstPath] = firstSQL

	entries, err := st.p.Tree(st.Context(), st.repo, sha, "db/migrations")
	st.must(err)
	var plain []providers.TreeEntry
	for _, e := range entries {
		if e.Path == "db/migrations/link.sql" {
			st.equal("a link's kind", e.Kind, providers.Symlink)
			continue
		}
		if e.Kind != providers.File || e.Size != int64(len(files[e.Path])) {
			st.Errorf("entry %+v", e)
		}
		plain = append(plain, e)
	}
	st.equal("files below the directory", len(plain), len(files))

	for _, some := range [][]providers.TreeEntry{plain[:3], plain} { // by calls, by an archive
		contents, err := st.p.Blobs(st.Context(), st.repo, sha, some)
		st.must(err)
		for _, e := range some {
			st.equal(e.Path, string(contents[e.Blob]), files[e.Path])
		}
	}
	for dir, want := range map[string]int{"": len(files) + 2, "db": len(files) + 1, "db/none": 0} {
		entries, err := st.p.Tree(st.Context(), st.repo, sha, dir)
		st.must(err)
		st.equal("files below "+dir, len(entries), want)
	}
	if _, err := st.p.Tree(st.Context(), st.repo, strings.Repeat("0", 40), ""); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("the tree of a commit that isn't there: %v", err)
	}
}
