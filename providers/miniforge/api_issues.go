package miniforge

import (
	"net/http"
	"slices"
	"time"
)

var issueRoutes = []route{
	{"GET /repos/{owner}/{repo}/issues/{number}/comments", asInstallation, withPull((*call).listComments)},
	{"POST /repos/{owner}/{repo}/issues/{number}/comments", asInstallation, withPull((*call).createComment)},
	{"GET /repos/{owner}/{repo}/issues/comments/{id}", asInstallation, withComment((*call).getComment)},
	{"PATCH /repos/{owner}/{repo}/issues/comments/{id}", asInstallation, withComment((*call).updateComment)},
	{"DELETE /repos/{owner}/{repo}/issues/comments/{id}", asInstallation, withComment((*call).removeComment)},
	{"GET /repos/{owner}/{repo}/issues/comments/{id}/reactions", asInstallation, withComment((*call).listReactions)},
	{"POST /repos/{owner}/{repo}/issues/comments/{id}/reactions", asInstallation, withComment((*call).createReaction)},
}

// withComment finds the comment that the path names.
func withComment(handle func(*call, *comment) answer) func(*call) answer {
	return func(c *call) answer {
		found := c.repo.comment(c.id("id"))
		if found == nil {
			return notFound()
		}
		return handle(c, found)
	}
}

// bot is the account that installation tokens act as.
func (s *State) bot() *User { return s.users[s.botLogin()] }

func (c *call) listComments(p *pull) answer {
	since, _ := time.Parse(time.RFC3339, c.query("since"))
	list := slices.DeleteFunc(slices.Clone(p.comments), func(o *comment) bool {
		return o.deleted || o.UpdatedAt.Before(since)
	})
	return ok(mapEach(paginate(c, list), c.view.comment))
}

// commentBody reads a comment's text, or says why it is refused.
func (c *call) commentBody() (body string, refusal answer, refused bool) {
	var n struct{ Body string }
	switch {
	case !c.decode(&n):
		return "", badJSON(), true
	case n.Body == "":
		return "", invalid("IssueComment", "body", "body can't be blank"), true
	case tooLong(n.Body, MaxComment):
		return "", invalid("IssueComment", "body", "body is too long (maximum is %d characters)", MaxComment), true
	}
	return n.Body, answer{}, false
}

func (c *call) createComment(p *pull) answer {
	body, refusal, refused := c.commentBody()
	if refused {
		return refusal
	}
	return created(c.view.comment(c.addComment(p, c.bot(), body)))
}

func (c *call) getComment(o *comment) answer { return ok(c.view.comment(o)) }

func (c *call) updateComment(o *comment) answer {
	body, refusal, refused := c.commentBody()
	if refused {
		return refusal
	}
	if !o.ByApp {
		return problem(http.StatusForbidden, "Resource not accessible by integration")
	}
	c.editComment(o, c.bot(), body)
	return ok(c.view.comment(o))
}

func (c *call) removeComment(o *comment) answer {
	c.deleteComment(o, c.bot())
	return answer{status: http.StatusNoContent}
}

func (c *call) listReactions(o *comment) answer {
	list := slices.DeleteFunc(slices.Clone(o.Reactions), func(r Reaction) bool {
		return c.query("content") != "" && r.Content != c.query("content")
	})
	return ok(mapEach(paginate(c, list), func(r Reaction) object { return c.view.reaction(r, o) }))
}

func (c *call) createReaction(o *comment) answer {
	var n struct{ Content string }
	if !c.decode(&n) {
		return badJSON()
	}
	if !slices.Contains(reactionNames, n.Content) {
		return invalid("Reaction", "content", "%q is no reaction", n.Content)
	}
	r, isNew := c.react(o, c.bot(), n.Content)
	if isNew {
		return created(c.view.reaction(r, o))
	}
	return ok(c.view.reaction(r, o))
}
