package github

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

// historyCap is the number of commits we walk at most.
const historyCap = 5000

// Head reads the commit a branch points to.
func (p *Provider) Head(ctx context.Context, repo providers.Repo, branch string) (providers.Commit, error) {
	var b github.Branch
	if err := p.get(ctx, repo, pathf("/branches/%s", branch), &b); err != nil {
		return providers.Commit{}, err
	}
	if b.GetName() != branch { // a renamed branch redirects to its new name
		return providers.Commit{}, fmt.Errorf("%s: branch %s is now %s: %w", repo, branch, b.GetName(), providers.ErrNotFound)
	}
	return commit(b.GetCommit()), nil
}

// Commit reads one commit.
func (p *Provider) Commit(ctx context.Context, repo providers.Repo, sha string) (providers.Commit, error) {
	var c github.RepositoryCommit
	// The answer also lists the commit's files, with patches: one is enough.
	err := p.get(ctx, repo, pathf("/commits/%s", sha)+"?per_page=1", &c)
	if err != nil {
		return providers.Commit{}, unknownCommit(err)
	}
	return commit(&c), nil
}

// FirstParents lists the first-parent history of to that from does not hold.
func (p *Provider) FirstParents(ctx context.Context, repo providers.Repo, from, to string) ([]providers.Commit, error) {
	between := map[string]*github.RepositoryCommit{}
	var status string
	var total int
	l := listing{repo: repo, path: pathf("/compare/%s...%s", from, to)}
	err := pages(ctx, p, l, func(page github.CommitsComparison) bool {
		status, total = page.GetStatus(), page.GetTotalCommits()
		for _, c := range page.Commits {
			between[c.GetSHA()] = c
		}
		return status == "ahead" && total <= historyCap
	})
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, p.missingEnd(ctx, repo, to, err)
	case err != nil:
		return nil, err
	case status != "ahead" && status != "identical":
		return nil, fmt.Errorf("%s: %s is %s of %s: %w", repo, to, status, from, providers.ErrNotAncestor)
	case total > historyCap:
		return nil, fmt.Errorf("%s: %d commits since %s: %w", repo, total, from, providers.ErrTooMany)
	case len(between) < total:
		return nil, fmt.Errorf("%s: only %d of %d commits since %s: %w", repo, len(between), total, from, providers.ErrTooMany)
	}
	return firstParents(between, to), nil
}

// missingEnd tells which end of a comparison is missing: where the head is
// there, the cursor went with a rewritten history.
func (p *Provider) missingEnd(ctx context.Context, repo providers.Repo, to string, missing error) error {
	if _, err := p.Commit(ctx, repo, to); err != nil {
		return errors.Join(missing, err)
	}
	return fmt.Errorf("%w: %w", providers.ErrNotAncestor, missing)
}

// firstParents walks back from head until it leaves the set; oldest first.
func firstParents(set map[string]*github.RepositoryCommit, head string) []providers.Commit {
	var line []providers.Commit
	for c, ok := set[head]; ok; c, ok = set[head] {
		line = append(line, commit(c))
		delete(set, head) // no answer of the forge can make us walk in a circle
		if len(c.Parents) == 0 {
			break
		}
		head = c.Parents[0].GetSHA()
	}
	slices.Reverse(line)
	return line
}

func commit(c *github.RepositoryCommit) providers.Commit {
	out := providers.Commit{
		SHA:       c.GetSHA(),
		Author:    signed(c.GetAuthor(), c.GetCommit().GetAuthor()),
		Committer: signed(c.GetCommitter(), c.GetCommit().GetCommitter()),
		Message:   c.GetCommit().GetMessage(),
		Time:      c.GetCommit().GetCommitter().GetDate().Time,
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.GetSHA())
	}
	return out
}

// unknownCommit maps GitHub's 422 for a commit that isn't there.
func unknownCommit(err error) error {
	if errors.Is(err, providers.ErrUnprocessable) {
		return fmt.Errorf("%w: %w", providers.ErrNotFound, err)
	}
	return err
}
