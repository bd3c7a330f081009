package miniforge

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

var pullRoutes = []route{
	{"GET /repos/{owner}/{repo}/pulls", asInstallation, (*call).listPulls},
	{"GET /repos/{owner}/{repo}/pulls/{number}", asInstallation, withPull((*call).getPull)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/commits", asInstallation, withPull((*call).listPullCommits)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/files", asInstallation, withPull((*call).listPullFiles)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/comments", asInstallation, withPull((*call).listInline)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/reviews", asInstallation, withPull((*call).listReviews)},
	{"POST /repos/{owner}/{repo}/pulls/{number}/reviews", asInstallation, withPull((*call).createReview)},
}

// withPull finds the pull request that the path names.
func withPull(handle func(*call, *pull) answer) func(*call) answer {
	return func(c *call) answer {
		p := c.repo.pull(int(c.id("number")))
		if p == nil {
			return notFound()
		}
		return handle(c, p)
	}
}

func (c *call) getPull(p *pull) answer { return ok(c.fullPull(p)) }

func (c *call) listPulls() answer {
	state, base, head := c.query("state"), c.query("base"), c.query("head")
	var list []*pull
	for _, p := range slices.Backward(c.repo.pulls) { // newest first
		if state != "all" && p.State != cmp.Or(state, "open") {
			continue
		}
		if (base == "" || p.Base.Ref == base) && (head == "" || p.head.owner.Login+":"+p.Head.Ref == head) {
			list = append(list, p)
		}
	}
	if c.query("direction") == "asc" {
		slices.Reverse(list)
	}
	return ok(mapEach(paginate(c, list), c.view.pull))
}

// GitHub's caps of a pull request's lists:
// https://docs.github.com/en/rest/pulls/pulls
const (
	maxPullFiles   = 3000
	maxPullCommits = 250
)

func (c *call) listPullCommits(p *pull) answer {
	commits := p.commits()
	commits = commits[:min(len(commits), maxPullCommits)]
	return ok(mapEach(paginate(c, commits), func(o gitmem.Commit) object { return c.view.commit(p.base, o) }))
}

func (c *call) listPullFiles(p *pull) answer {
	files := p.files()
	files = files[:min(len(files), maxPullFiles)]
	return ok(mapEach(paginate(c, files), func(f gitmem.FileDiff) object { return c.file(p.base, p.Head.SHA, f) }))
}

func (c *call) listInline(p *pull) answer {
	return ok(mapEach(paginate(c, p.inline), func(r *ReviewComment) object { return c.view.inline(p, r) }))
}

func (c *call) listReviews(p *pull) answer {
	return ok(mapEach(paginate(c, p.Reviews), func(r Review) object { return c.view.review(p, r) }))
}

// newReview is the body of a new review.
type newReview struct {
	CommitID string `json:"commit_id"`
	Body     string
	Event    string
	Comments []newInline
}

type newInline struct {
	Path      string
	Body      string
	Line      int
	Side      string
	StartLine int    `json:"start_line"`
	StartSide string `json:"start_side"`
}

var reviewStates = map[string]string{
	"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED",
}

func (c *call) createReview(p *pull) answer {
	var n newReview
	if !c.decode(&n) {
		return badJSON()
	}
	state, known := reviewStates[n.Event]
	commit := cmp.Or(n.CommitID, p.Head.SHA)
	switch {
	case !known:
		return unprocessable("pending reviews are not kept by the mini forge")
	case !slices.ContainsFunc(p.commits(), func(o gitmem.Commit) bool { return o.Hash == commit }):
		return unprocessable("commit_id is not part of the pull request")
	case state == "COMMENTED" && n.Body == "" && len(n.Comments) == 0:
		return unprocessable("a comment needs a body or inline comments")
	}
	lines := commentable(p.files())
	for _, in := range n.Comments {
		if refused, why := in.refused(lines); refused {
			return unprocessable(why)
		}
	}
	return ok(c.view.review(p, c.addReview(p, n, commit)))
}

// unprocessable is how reviews are refused: with plain texts as errors.
func unprocessable(why string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: object{
		"message": "Unprocessable Entity", "documentation_url": docs, "status": "422", "errors": []string{why},
	}}
}

func (s *State) addReview(p *pull, n newReview, commit string) Review {
	r := Review{
		ID: s.newID(), Author: s.botLogin(), Body: n.Body, State: reviewStates[n.Event], Commit: commit, CreatedAt: s.now(),
	}
	p.Reviews = append(p.Reviews, r)
	for _, in := range n.Comments {
		p.inline = append(p.inline, &ReviewComment{
			ID: s.newID(), Review: r.ID, Author: r.Author, Body: in.Body, Path: in.Path, Commit: commit,
			Side: cmp.Or(in.Side, "RIGHT"), StartLine: in.StartLine, Line: in.Line, CreatedAt: s.now(),
		})
	}
	return r
}

// refused says why GitHub would not take an inline comment.
func (n newInline) refused(lines diffLines) (bool, string) {
	side := cmp.Or(n.Side, "RIGHT")
	switch {
	case n.Body == "" || tooLong(n.Body, MaxComment):
		return true, "body is missing or too long"
	case lines[n.Path] == nil:
		return true, "Path could not be resolved"
	case n.StartLine > 0 && n.StartLine >= n.Line:
		return true, "start_line must precede the end line."
	case !lines[n.Path][side][n.Line]:
		return true, "Line could not be resolved"
	case n.StartLine > 0 && !lines[n.Path][cmp.Or(n.StartSide, side)][n.StartLine]:
		return true, "Start line must be part of the diff"
	}
	return false, ""
}

// diffLines are the lines a diff shows: path → side → line.
type diffLines map[string]map[string]map[int]bool

func commentable(files []gitmem.FileDiff) diffLines {
	all := diffLines{}
	for _, f := range files {
		left, right := map[int]bool{}, map[int]bool{}
		for _, l := range gitmem.ParsePatch(f.Patch) {
			if l.Old > 0 {
				left[l.Old] = true
			}
			if l.New > 0 {
				right[l.New] = true
			}
		}
		all[f.Path] = map[string]map[int]bool{"LEFT": left, "RIGHT": right}
	}
	return all
}
