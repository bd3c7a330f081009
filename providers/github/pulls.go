package github

import (
	"context"
	"fmt"
	"net/url"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

// fileCap is where GitHub's list of changed files ends without saying so.
// https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
const fileCap = 3000

// PullRequest reads one pull request.
func (p *Provider) PullRequest(ctx context.Context, repo providers.Repo, number int) (providers.PullRequest, error) {
	var pr github.PullRequest
	err := p.get(ctx, repo, pathf("/pulls/%d", number), &pr)
	return pullRequest(&pr), err
}

// OpenPullRequests lists the open pull requests into a branch, newest first.
func (p *Provider) OpenPullRequests(ctx context.Context, repo providers.Repo, base string) ([]providers.PullRequest, error) {
	var open []providers.PullRequest
	l := listing{repo: repo, path: "/pulls", query: url.Values{"state": {"open"}, "base": {base}}}
	err := pages(ctx, p, l, func(page []*github.PullRequest) bool {
		for _, pr := range page {
			open = append(open, pullRequest(pr))
		}
		return true
	})
	return open, err
}

// PullRequestsOf lists the pull requests a commit belongs to.
func (p *Provider) PullRequestsOf(ctx context.Context, repo providers.Repo, sha string) ([]int, error) {
	var numbers []int
	l := listing{repo: repo, path: pathf("/commits/%s/pulls", sha)}
	err := pages(ctx, p, l, func(page []*github.PullRequest) bool {
		for _, pr := range page {
			numbers = append(numbers, pr.GetNumber())
		}
		return true
	})
	return numbers, unknownCommit(err)
}

// ChangedFiles lists all files a pull request changes, or fails.
func (p *Provider) ChangedFiles(ctx context.Context, repo providers.Repo, number int) ([]providers.ChangedFile, error) {
	var files []providers.ChangedFile
	l := listing{repo: repo, path: pathf("/pulls/%d/files", number)}
	err := pages(ctx, p, l, func(page []*github.CommitFile) bool {
		for _, f := range page {
			files = append(files, changedFile(f))
		}
		return len(files) < fileCap
	})
	if err == nil && len(files) >= fileCap {
		err = fmt.Errorf("%s#%d changes %d files or more: %w", repo, number, fileCap, providers.ErrTooMany)
	}
	if err != nil {
		return nil, err
	}
	return files, nil
}

func pullRequest(pr *github.PullRequest) providers.PullRequest {
	out := providers.PullRequest{
		Number: pr.GetNumber(),
		Title:  pr.GetTitle(),
		URL:    pr.GetHTMLURL(),
		Open:   pr.GetState() == "open",
		Draft:  pr.GetDraft(),
		// Lists leave "merged" out; both say when it was merged.
		Merged:   pr.GetMerged() || pr.MergedAt != nil,
		MergedBy: person(pr.GetMergedBy()),
		Base:     ref(pr.GetBase()),
		Head:     ref(pr.GetHead()),
		Author:   person(pr.GetUser()),
	}
	if out.Merged { // before, it is a test merge's commit
		out.MergeCommit = pr.GetMergeCommitSHA()
	}
	out.Fork = out.Head.Repo != out.Base.Repo
	for _, label := range pr.Labels {
		out.Labels = append(out.Labels, label.GetName())
	}
	return out
}

func ref(b *github.PullRequestBranch) providers.Ref {
	return providers.Ref{Repo: b.GetRepo().GetFullName(), Name: b.GetRef(), SHA: b.GetSHA()}
}

func person(u *github.User) providers.Person {
	return providers.Person{
		Login: u.GetLogin(), ID: u.GetID(), Name: u.GetName(), Email: u.GetEmail(), Bot: u.GetType() == "Bot",
	}
}

func changedFile(f *github.CommitFile) providers.ChangedFile {
	out := providers.ChangedFile{
		Path: f.GetFilename(), Previous: f.GetPreviousFilename(), Blob: f.GetSHA(), Patch: f.GetPatch(),
	}
	switch f.GetStatus() {
	case "added", "copied": // a copy leaves its source alone
		out.Status, out.Previous = providers.Added, ""
	case "removed":
		out.Status, out.Blob = providers.Removed, ""
	case "renamed":
		out.Status = providers.Renamed
	default: // "modified", "changed" (its mode)
		out.Status = providers.Modified
	}
	return out
}
