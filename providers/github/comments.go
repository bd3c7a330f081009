package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// comment is GitHub's comment with the field go-github v60 lacks.
type comment struct {
	github.IssueComment
	App *github.App `json:"performed_via_github_app"`
}

// own says if our app made it. Its user's name would not do: it can be changed.
func (p *Provider) own(app *github.App) bool { return app.GetID() == p.cfg.AppID }

// Comment reads a pull request's comment.
func (p *Provider) Comment(ctx context.Context, repo providers.Repo, id int64) (providers.Comment, error) {
	var c comment
	if err := p.get(ctx, repo, pathf("/issues/comments/%d", id), &c); err != nil {
		return providers.Comment{}, err
	}
	number, _ := strconv.Atoi(path.Base(c.GetIssueURL())) // 0 when the forge leaves it out
	return providers.Comment{
		ID: c.GetID(), PullRequest: number, Author: person(c.GetUser()), Body: c.GetBody(), Own: p.own(c.App),
		Created: c.GetCreatedAt().Time, Updated: c.GetUpdatedAt().Time,
	}, nil
}

// thread is a pull request's conversation.
type thread struct {
	repo   providers.Repo
	number int
}

// PutSticky makes or edits the one comment with the marker.
func (p *Provider) PutSticky(ctx context.Context, repo providers.Repo, pr int, s providers.Sticky) (int64, error) {
	if s.Marker == "" {
		return 0, fault.New(fault.Internal, "a sticky comment without a marker")
	}
	body := marked(s.Marker, s.Body)
	if s.ID != 0 {
		id, err := p.editComment(ctx, repo, s.ID, body)
		if !errors.Is(err, providers.ErrNotFound) { // deleted: look for the marker
			return id, err
		}
	}
	t := thread{repo, pr}
	find := func() (int64, error) { return p.findComment(ctx, t, s.Marker) }
	id, err := find()
	switch {
	case err != nil:
		return 0, err
	case id != 0:
		return p.editComment(ctx, repo, id, body)
	}
	return p.makeComment(ctx, t, body, find)
}

// marked is a comment's text with its marker on top, where no cut takes it away.
func marked(marker, body string) string {
	if !strings.HasPrefix(body, marker) {
		body = marker + "\n" + body
	}
	return cutMarkdown(body, commentLimit)
}

// AddComment makes a new comment.
func (p *Provider) AddComment(ctx context.Context, repo providers.Repo, pr int, n providers.Note) (int64, error) {
	if n.Marker == "" {
		return 0, fault.New(fault.Internal, "a new comment without a marker")
	}
	t := thread{repo, pr}
	find := func() (int64, error) { return p.findNewComment(ctx, t, n.Marker) }
	if n.MayExist {
		if id, err := find(); err != nil || id != 0 {
			return id, err
		}
	}
	return p.makeComment(ctx, t, marked(n.Marker, n.Body), find)
}

// makeComment creates a comment. Where its outcome is unknown, find looks if it
// is there after all.
func (p *Provider) makeComment(ctx context.Context, t thread, body string, find func() (int64, error)) (int64, error) {
	var made github.IssueComment
	r := request{method: http.MethodPost, path: pathf("/issues/%d/comments", t.number), body: &github.IssueComment{Body: &body}}
	_, err := p.repo(ctx, t.repo, r, &made)
	if unknown(err) {
		if id, lookup := find(); lookup == nil && id != 0 {
			return id, nil
		}
	}
	return made.GetID(), err
}

func (p *Provider) editComment(ctx context.Context, repo providers.Repo, id int64, body string) (int64, error) {
	r := request{method: http.MethodPatch, path: pathf("/issues/comments/%d", id), body: &github.IssueComment{Body: &body}}
	_, err := p.repo(ctx, repo, r, nil)
	return id, err
}

// findComment looks for our app's comment with the marker over all pages, the
// oldest first; 0 when there is none.
func (p *Provider) findComment(ctx context.Context, t thread, marker string) (id int64, err error) {
	err = pages(ctx, p, t.comments(), func(page []comment) bool {
		id = p.ownWith(marker, page)
		return id == 0
	})
	return id, err
}

// findNewComment is findComment from the newest page on: what an attempt a
// moment ago may have made is there.
func (p *Provider) findNewComment(ctx context.Context, t thread, marker string) (id int64, err error) {
	err = pagesFromLast(ctx, p, t.comments(), func(page []comment) bool {
		id = p.ownWith(marker, page)
		return id == 0
	})
	return id, err
}

func (t thread) comments() listing {
	return listing{repo: t.repo, path: pathf("/issues/%d/comments", t.number)}
}

// ownWith is the id of our app's first comment with the marker, 0 without one.
func (p *Provider) ownWith(marker string, page []comment) int64 {
	for _, c := range page {
		if p.own(c.App) && strings.Contains(c.GetBody(), marker) {
			return c.GetID()
		}
	}
	return 0
}

// React adds a reaction to a comment; GitHub keeps one per user and kind.
func (p *Provider) React(ctx context.Context, repo providers.Repo, commentID int64, r providers.Reaction) error {
	body := struct {
		Content string `json:"content"`
	}{string(r)}
	_, err := p.repo(ctx, repo, request{method: http.MethodPost, path: pathf("/issues/comments/%d/reactions", commentID), body: body}, nil)
	if err != nil {
		return fmt.Errorf("reaction to comment %d: %w", commentID, err)
	}
	return nil
}
