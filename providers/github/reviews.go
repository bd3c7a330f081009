package github

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

const rightSide = "RIGHT" // the diff's new side

// AddReview comments on lines of the pull request's diff, in one review.
func (p *Provider) AddReview(ctx context.Context, repo providers.Repo, pr int, commit string, comments []providers.InlineComment) error {
	if len(comments) == 0 {
		return nil
	}
	review := github.PullRequestReviewRequest{CommitID: &commit, Event: github.String("COMMENT")}
	for _, c := range comments {
		review.Comments = append(review.Comments, draft(c))
	}
	_, err := p.repo(ctx, repo, request{method: http.MethodPost, path: pathf("/pulls/%d/reviews", pr), body: review}, nil)
	if unknown(err) {
		if there, lookup := p.reviewed(ctx, thread{repo, pr}, commit, comments); lookup == nil && there {
			return nil
		}
	}
	return err
}

func draft(c providers.InlineComment) *github.DraftReviewComment {
	out := &github.DraftReviewComment{
		Path: github.String(c.Path), Line: github.Int(c.Line), Side: github.String(rightSide),
		Body: github.String(cutMarkdown(c.Body, commentLimit)),
	}
	if c.StartLine > 0 && c.StartLine < c.Line {
		out.StartLine, out.StartSide = github.Int(c.StartLine), github.String(rightSide)
	}
	return out
}

// reviewed says if all the comments are on the pull request, made at that
// commit by a bot.
func (p *Provider) reviewed(ctx context.Context, t thread, commit string, comments []providers.InlineComment) (bool, error) {
	type place struct {
		path string
		line int
		body string
	}
	missing := map[place]bool{}
	for _, c := range comments {
		d := draft(c)
		missing[place{d.GetPath(), d.GetLine(), strings.TrimSpace(d.GetBody())}] = true
	}
	l := listing{repo: t.repo, path: pathf("/pulls/%d/comments", t.number)}
	err := pages(ctx, p, l, func(page []*github.PullRequestComment) bool {
		for _, c := range page {
			if person(c.GetUser()).Bot && c.GetOriginalCommitID() == commit {
				delete(missing, place{c.GetPath(), c.GetOriginalLine(), strings.TrimSpace(c.GetBody())})
			}
		}
		return len(missing) > 0
	})
	return len(missing) == 0, err
}
