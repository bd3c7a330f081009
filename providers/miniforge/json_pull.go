package miniforge

import (
	"fmt"
	"strings"
)

// pull is a pull request as lists show it.
func (v view) pull(p *pull) object {
	api := fmt.Sprintf("%s/pulls/%d", v.repoAPI(p.base), p.Number)
	issue := fmt.Sprintf("%s/issues/%d", v.repoAPI(p.base), p.Number)
	links := map[string]string{
		"self": api, "html": v.pullWeb(p), "issue": issue, "comments": issue + "/comments",
		"review_comments": api + "/comments", "review_comment": v.repoAPI(p.base) + "/pulls/comments{/number}",
		"commits": api + "/commits", "statuses": v.repoAPI(p.base) + "/statuses/" + p.Head.SHA,
	}
	o := object{
		"id": p.ID, "node_id": nodeID("PullRequest", p.ID), "number": p.Number, "state": p.State, "locked": false,
		"title": p.Title, "body": textOrNull(p.Body), "user": v.login(p.Author), "draft": p.Draft, "labels": v.labels(p),
		"created_at": timeOrNull(p.CreatedAt), "updated_at": timeOrNull(p.UpdatedAt), "closed_at": timeOrNull(p.ClosedAt),
		"merged_at": nil, "merge_commit_sha": textOrNull(v.mergeSHA(p)), "assignee": nil, "assignees": []object{},
		"requested_reviewers": []object{}, "requested_teams": []object{}, "milestone": nil, "auto_merge": nil,
		"active_lock_reason": nil, "author_association": v.association(p.base, p.Author),
		"head": v.branch(p.head, p.Head), "base": v.branch(p.base, p.Base), "_links": object{},
		"url": api, "html_url": v.pullWeb(p), "diff_url": v.pullWeb(p) + ".diff", "patch_url": v.pullWeb(p) + ".patch",
		"issue_url": issue, "commits_url": links["commits"], "comments_url": links["comments"],
		"review_comments_url": links["review_comments"], "review_comment_url": links["review_comment"],
		"statuses_url": links["statuses"],
	}
	for name, href := range links {
		o["_links"].(object)[name] = object{"href": href}
	}
	if p.Merged {
		o["merged_at"] = timeOrNull(p.ClosedAt)
	}
	return o
}

// mergeSHA is what GitHub calls merge_commit_sha: of an open pull request it is
// a test merge that is on no branch, which says nothing about being merged.
func (v view) mergeSHA(p *pull) string {
	if p.State != "open" || len(p.conflicts()) > 0 {
		return p.MergeSHA
	}
	if now := [2]string{p.baseTip(), p.Head.SHA}; p.testedAt != now {
		p.testedAt, p.test = now, v.s.mergeCommit(p, now[0], v.s.users[strings.ToLower(p.Author)])
	}
	return p.test
}

// fullPull is a pull request on its own.
func (v view) fullPull(p *pull) object {
	o := v.pull(p)
	files := p.files()
	added, deleted := 0, 0
	for _, f := range files {
		added, deleted = added+f.Additions, deleted+f.Deletions
	}
	o["additions"], o["deletions"], o["changed_files"] = added, deleted, len(files)
	o["commits"], o["comments"], o["review_comments"] = len(p.commits()), len(p.comments), len(p.inline)
	o["merged"], o["merged_by"] = p.Merged, nil
	if p.MergedBy != "" {
		o["merged_by"] = v.login(p.MergedBy)
	}
	o["maintainer_can_modify"], o["rebaseable"] = false, nil
	o["mergeable"], o["mergeable_state"] = v.mergeable(p)
	return o
}

func (v view) mergeable(p *pull) (mergeable any, state string) {
	switch {
	case p.State != "open":
		return nil, "unknown"
	case len(p.conflicts()) > 0:
		return false, "dirty"
	case p.Draft:
		return true, "draft"
	case p.blocked() != "":
		return true, "blocked"
	}
	return true, "clean"
}

func (v view) labels(p *pull) []object {
	return mapEach(p.Labels, func(name string) object {
		return object{
			"id": 1, "node_id": nodeID("Label", name), "url": v.repoAPI(p.base) + "/labels/" + name, "name": name,
			"color": "ededed", "default": false, "description": "",
		}
	})
}

func (v view) branch(r *repo, b Branch) object {
	return object{
		"label": r.owner.Login + ":" + b.Ref, "ref": b.Ref, "sha": b.SHA, "user": v.user(r.owner), "repo": v.repo(r),
	}
}

func (v view) association(r *repo, login string) string {
	switch r.role(login) {
	case "admin":
		return "OWNER"
	case "write", "maintain", "triage":
		return "COLLABORATOR"
	}
	return "NONE"
}

// issue is a pull request as the issues API and comment events see it.
func (v view) issue(p *pull) object {
	api := fmt.Sprintf("%s/issues/%d", v.repoAPI(p.base), p.Number)
	return object{
		"id": p.ID + 1_000_000, "node_id": nodeID("Issue", p.ID), "number": p.Number, "title": p.Title,
		"user": v.login(p.Author), "labels": v.labels(p), "state": p.State, "locked": false, "assignee": nil,
		"assignees": []object{}, "milestone": nil, "comments": len(p.comments), "body": textOrNull(p.Body),
		"created_at": timeOrNull(p.CreatedAt), "updated_at": timeOrNull(p.UpdatedAt), "closed_at": timeOrNull(p.ClosedAt),
		"author_association": v.association(p.base, p.Author), "active_lock_reason": nil, "draft": p.Draft,
		"reactions": v.reactions(api, nil), "url": api, "html_url": v.pullWeb(p), "repository_url": v.repoAPI(p.base),
		"labels_url": api + "/labels{/name}", "comments_url": api + "/comments", "events_url": api + "/events",
		"timeline_url": api + "/timeline", "performed_via_github_app": nil, "state_reason": nil,
		"pull_request": object{
			"url": fmt.Sprintf("%s/pulls/%d", v.repoAPI(p.base), p.Number), "html_url": v.pullWeb(p),
			"diff_url": v.pullWeb(p) + ".diff", "patch_url": v.pullWeb(p) + ".patch", "merged_at": nil,
		},
	}
}

func (v view) comment(c *comment) object {
	api := fmt.Sprintf("%s/issues/comments/%d", v.repoAPI(c.pull.base), c.ID)
	o := object{
		"id": c.ID, "node_id": nodeID("IssueComment", c.ID), "url": api, "user": v.login(c.Author), "body": c.Body,
		"html_url":   fmt.Sprintf("%s#issuecomment-%d", v.pullWeb(c.pull), c.ID),
		"issue_url":  fmt.Sprintf("%s/issues/%d", v.repoAPI(c.pull.base), c.pull.Number),
		"created_at": timeOrNull(c.CreatedAt), "updated_at": timeOrNull(c.UpdatedAt),
		"author_association": v.association(c.pull.base, c.Author), "reactions": v.reactions(api, c.Reactions),
		"performed_via_github_app": nil,
	}
	if c.ByApp {
		o["performed_via_github_app"] = v.app()
	}
	return o
}

// reactionNames are the reactions GitHub knows.
var reactionNames = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

func (v view) reactions(of string, all []Reaction) object {
	o := object{"url": of + "/reactions", "total_count": len(all)}
	for _, name := range reactionNames {
		o[name] = 0
	}
	for _, r := range all {
		o[r.Content] = o[r.Content].(int) + 1
	}
	return o
}

func (v view) reaction(r Reaction, c *comment) object {
	return object{
		"id": r.ID, "node_id": nodeID("Reaction", r.ID), "user": v.login(r.User), "content": r.Content,
		"created_at": timeOrNull(c.UpdatedAt),
	}
}

func (v view) review(p *pull, r Review) object {
	html := fmt.Sprintf("%s#pullrequestreview-%d", v.pullWeb(p), r.ID)
	api := fmt.Sprintf("%s/pulls/%d", v.repoAPI(p.base), p.Number)
	return object{
		"id": r.ID, "node_id": nodeID("PullRequestReview", r.ID), "user": v.login(r.Author), "body": r.Body,
		"state": r.State, "commit_id": r.Commit, "submitted_at": timeOrNull(r.CreatedAt), "html_url": html,
		"pull_request_url": api, "author_association": v.association(p.base, r.Author),
		"_links": object{"html": object{"href": html}, "pull_request": object{"href": api}},
	}
}

func (v view) inline(p *pull, c *ReviewComment) object {
	api := fmt.Sprintf("%s/pulls/comments/%d", v.repoAPI(p.base), c.ID)
	html := fmt.Sprintf("%s#discussion_r%d", v.pullWeb(p), c.ID)
	of := fmt.Sprintf("%s/pulls/%d", v.repoAPI(p.base), p.Number)
	o := object{
		"id": c.ID, "node_id": nodeID("PullRequestReviewComment", c.ID), "url": api, "html_url": html,
		"pull_request_review_id": c.Review, "pull_request_url": of, "diff_hunk": "@@", "path": c.Path,
		"commit_id": c.Commit, "original_commit_id": c.Commit, "user": v.login(c.Author), "body": c.Body,
		"created_at": timeOrNull(c.CreatedAt), "updated_at": timeOrNull(c.CreatedAt), "line": c.Line, "side": c.Side,
		"original_line": c.Line, "position": 1, "original_position": 1, "author_association": v.association(p.base, c.Author),
		"start_line": nil, "start_side": nil, "original_start_line": nil, "subject_type": "line",
		"reactions": v.reactions(api, nil),
		"_links":    object{"self": object{"href": api}, "html": object{"href": html}, "pull_request": object{"href": of}},
	}
	if c.StartLine > 0 {
		o["start_line"], o["original_start_line"], o["start_side"] = c.StartLine, c.StartLine, c.Side
	}
	return o
}
