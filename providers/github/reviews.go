package github

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

const rightSide = "RIGHT" // the diff's new side

// AddReview comments on lines of the pull request's diff, in one review.
func (p *Provider) AddReview(ctx context.Context, repo providers.Repo, pr int, r providers.Review) error {
	if slices.ContainsFunc(r.Comments, func(c providers.InlineComment) bool { return c.Marker == "" }) {
		return fault.New(fault.Internal, "an inline comment without a marker")
	}
	t, due := thread{repo, pr}, r.Comments
	if r.MayExist {
		var err error
		if due, err = p.missing(ctx, t, due); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	body := github.PullRequestReviewRequest{CommitID: &r.Commit, Event: github.String("COMMENT")}
	for _, c := range due {
		body.Comments = append(body.Comments, draft(c))
	}
	_, err := p.repo(ctx, repo, request{method: http.MethodPost, path: pathf("/pulls/%d/reviews", pr), body: body}, nil)
	if unknown(err) {
		if left, lookup := p.missing(ctx, t, due); lookup == nil && len(left) == 0 {
			return nil
		}
	}
	return err
}

// draft puts the marker at the end, where it leaves a suggestion's fence and the
// first line, which notifications show, alone.
func draft(c providers.InlineComment) *github.DraftReviewComment {
	end := "\n\n" + c.Marker
	out := &github.DraftReviewComment{
		Path: github.String(c.Path), Line: github.Int(c.Line), Side: github.String(rightSide),
		Body: github.String(cutMarkdown(c.Body, commentLimit-len(end)) + end),
	}
	if c.StartLine > 0 && c.StartLine < c.Line {
		out.StartLine, out.StartSide = github.Int(c.StartLine), github.String(rightSide)
	}
	return out
}

// missing are the comments whose marker no bot's comment on the pull request's
// diff has. GitHub doesn't say which app such a comment is from, but a person
// can't write as a bot.
func (p *Provider) missing(ctx context.Context, t thread, wanted []providers.InlineComment) ([]providers.InlineComment, error) {
	left := slices.Clone(wanted)
	l := listing{repo: t.repo, path: pathf("/pulls/%d/comments", t.number), query: url.Values{
		"sort": {"created"}, "direction": {"desc"},
	}}
	err := pages(ctx, p, l, func(page []*github.PullRequestComment) bool {
		for _, there := range page {
			left = slices.DeleteFunc(left, func(c providers.InlineComment) bool {
				return person(there.GetUser()).Bot && strings.Contains(there.GetBody(), c.Marker)
			})
		}
		return len(left) > 0
	})
	return left, err
}
