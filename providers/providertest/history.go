package providertest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// change pushes a commit with one migration to a branch.
func (st *stage) change(branch string, version int) string {
	return st.s.Push(repository, branch, Commit{
		Author: "ann", Message: fmt.Sprintf("Add %d", version),
		Files: map[string]string{fmt.Sprintf("db/migrations/%d_x.sql", version): fmt.Sprintf("SELECT %d;\n", version)},
	})
}

// merged brings a branch of two commits into main.
func (st *stage) merged(branch string, version int, m Method) (number int, sha string) {
	st.change(branch, version)
	st.change(branch, version+1)
	number = st.s.Open(repository, PullRequest{Head: branch, Author: "ann", Title: branch})
	return number, st.s.Merge(repository, number, "bob", m)
}

func historyOfMerges(st *stage) {
	start, err := st.p.Head(st.Context(), st.repo, "main")
	st.must(err)
	line, err := st.p.FirstParents(st.Context(), st.repo, start.SHA, start.SHA)
	st.must(err)
	st.equal("nothing new", len(line), 0)

	n, merge := st.merged("one", 10, MergeCommit)
	_, squash := st.merged("two", 20, Squash)
	direct := st.change("main", 30)
	_, rebase := st.merged("three", 40, Rebase)

	head, err := st.p.Head(st.Context(), st.repo, "main")
	st.must(err)
	st.equal("head", head.SHA, rebase)
	line, err = st.p.FirstParents(st.Context(), st.repo, start.SHA, head.SHA)
	st.must(err)
	shas := shasOf(line)
	st.equal("number of commits", len(shas), 5) // a rebase brings both of its commits
	st.equal("order", []string{shas[0], shas[1], shas[2], shas[4]}, []string{merge, squash, direct, rebase})
	st.equal("parents of the merge", len(line[0].Parents), 2)
	st.equal("the merge's first parent", line[0].Parents[0], start.SHA)
	for i := range line[1:] {
		st.equal("a commit's first parent is the one before it", line[i+1].Parents[0], line[i].SHA)
	}

	pr := st.pull(n)
	if pr.Open || !pr.Merged || pr.MergeCommit != merge || pr.MergedBy.Login != "bob" {
		st.Errorf("merged pull request: %+v", pr)
	}
	commit, err := st.p.Commit(st.Context(), st.repo, direct)
	st.must(err)
	if commit.Author.Login != "ann" || commit.Message != "Add 30" || commit.Time.IsZero() || !slices.Equal(commit.Parents, []string{squash}) {
		st.Errorf("commit: %+v", commit)
	}
}

func shasOf(commits []providers.Commit) []string {
	shas := []string{}
	for _, c := range commits {
		shas = append(shas, c.SHA)
	}
	return shas
}

func historyRewritten(st *stage) {
	start, err := st.p.Head(st.Context(), st.repo, "main")
	st.must(err)
	old := st.change("main", 10)
	rewritten := st.s.ForcePush(repository, "main", start.SHA, Commit{Author: "ann", Message: "Rewrite", Files: map[string]string{"x": "y"}})
	_, err = st.p.FirstParents(st.Context(), st.repo, old, rewritten)
	if !errors.Is(err, providers.ErrNotAncestor) || fault.CodeOf(err) != fault.Conflict {
		st.Errorf("diverged: %v, want ErrNotAncestor", err)
	}
	_, err = st.p.FirstParents(st.Context(), st.repo, rewritten, start.SHA)
	if !errors.Is(err, providers.ErrNotAncestor) {
		st.Errorf("behind: %v, want ErrNotAncestor", err)
	}
	if _, err := st.p.Head(st.Context(), st.repo, "none"); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("a branch that isn't there: %v", err)
	}
}

func pullRequestsOf(st *stage) {
	direct := st.change("main", 5)
	for i, m := range []Method{MergeCommit, Squash, Rebase} {
		n, sha := st.merged(string(m), 10*(i+1), m)
		numbers, err := st.p.PullRequestsOf(st.Context(), st.repo, sha)
		st.must(err)
		st.equal("pull requests of a "+string(m), numbers, []int{n})
	}
	numbers, err := st.p.PullRequestsOf(st.Context(), st.repo, direct)
	st.must(err)
	st.equal("pull requests of a direct push", len(numbers), 0)
}
