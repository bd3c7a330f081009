package miniforge

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// object is a JSON object of GitHub's API.
type object = map[string]any

// view renders the state as GitHub's JSON, with links below its two roots.
type view struct {
	s   *State
	web string // the page, without a trailing slash
	api string // the API the reader uses, likewise
}

// enterprisePrefix is where Enterprise Server has its API.
const enterprisePrefix = "/api/v3"

// hookView is the view webhooks are rendered with.
func (s *State) hookView() view { return view{s: s, web: s.url, api: s.url + enterprisePrefix} }

func (v view) repoAPI(r *repo) string { return v.api + "/repos/" + r.fullName() }
func (v view) repoWeb(r *repo) string { return v.web + "/" + r.fullName() }
func (v view) pullWeb(p *pull) string {
	return fmt.Sprintf("%s/pull/%d", v.repoWeb(p.base), p.Number)
}

func nodeID(kind string, id any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v", kind, id))
}

// timeOrNull is an API time, null for the zero time.
func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// textOrNull is null for "".
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (v view) user(u *User) object {
	if u == nil {
		return nil
	}
	api := v.api + "/users/" + u.Login
	return object{
		"login": u.Login, "id": u.ID, "node_id": nodeID("User", u.ID), "type": u.Kind, "site_admin": false,
		"avatar_url": v.web + "/avatars/" + u.Login, "gravatar_id": "", "url": api, "html_url": v.web + "/" + u.Login,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}",
		"subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs", "repos_url": api + "/repos",
		"events_url": api + "/events{/privacy}", "received_events_url": api + "/received_events",
	}
}

func (v view) login(login string) object { return v.user(v.s.users[strings.ToLower(login)]) }

// profile is a user as /users/{username} shows it.
func (v view) profile(u *User) object {
	o := v.user(u)
	for _, key := range []string{"bio", "blog", "company", "hireable", "location", "twitter_username"} {
		o[key] = nil
	}
	for _, key := range []string{"followers", "following", "public_gists", "public_repos"} {
		o[key] = 0
	}
	o["name"], o["email"] = u.Name, u.Email
	o["created_at"], o["updated_at"] = timeOrNull(v.s.now()), timeOrNull(v.s.now())
	return o
}

func (v view) organization(u *User) object {
	api := v.api + "/orgs/" + u.Login
	return object{
		"login": u.Login, "id": u.ID, "node_id": nodeID("Organization", u.ID), "url": api, "repos_url": api + "/repos",
		"events_url": api + "/events", "hooks_url": api + "/hooks", "issues_url": api + "/issues",
		"members_url": api + "/members{/member}", "public_members_url": api + "/public_members{/member}",
		"avatar_url": v.web + "/avatars/" + u.Login, "description": nil,
	}
}

// repoLinks are a repository's API links: key → what follows its URL.
var repoLinks = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}", "url": "",
}

func (v view) repo(r *repo) object {
	web := v.repoWeb(r)
	o := object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(),
		"owner": v.user(r.owner), "private": r.private, "html_url": web, "description": nil, "fork": r.parent != nil,
		"default_branch": r.main, "visibility": "public", "archived": r.archived, "disabled": false, "homepage": nil,
		"language": "SQL", "license": nil, "mirror_url": nil, "size": 1, "topics": []string{}, "is_template": false,
		"clone_url": web + ".git", "git_url": web + ".git", "ssh_url": web + ".git", "svn_url": web,
		"has_downloads": true, "has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false,
		"has_discussions": false, "allow_forking": true, "web_commit_signoff_required": false,
		"created_at": timeOrNull(r.createdAt), "updated_at": timeOrNull(r.createdAt), "pushed_at": timeOrNull(r.createdAt),
		"allow_merge_commit": true, "allow_squash_merge": true, "allow_rebase_merge": true,
	}
	if r.private {
		o["visibility"] = "private"
	}
	for _, key := range []string{"forks", "stargazers", "watchers", "open_issues"} {
		o[key+"_count"] = 0
	}
	o["forks"], o["watchers"], o["open_issues"] = 0, 0, 0
	for key, suffix := range repoLinks {
		o[key] = v.repoAPI(r) + suffix
	}
	return o
}

// fullRepo is a repository as /repos/{owner}/{repo} shows it.
func (v view) fullRepo(r *repo) object {
	o := v.repo(r)
	o["network_count"], o["subscribers_count"] = 0, 0
	if r.parent != nil {
		o["parent"], o["source"] = v.repo(r.parent), v.repo(r.parent)
	}
	if r.owner.Kind == "Organization" {
		o["organization"] = v.user(r.owner)
	}
	return o
}

// permissions the App asks for at first.
var permissions = map[string]string{
	"metadata": "read", "contents": "read", "pull_requests": "write", "issues": "write", "checks": "write",
	"deployments": "write", "members": "read", "merge_queues": "read",
}

// subscribed leaves merge_group out: GitHub's description doesn't know it in
// webhooks.
var subscribed = []string{"check_run", "check_suite", "issue_comment", "pull_request", "push", "repository"}

// withMergeGroup is a description of the App or of an installation outside of
// webhooks.
func withMergeGroup(o object) object {
	return with(o, object{"events": append(slices.Clone(subscribed), "merge_group")})
}

const appID = 4242

func (v view) app() object {
	o := object{
		"id": appID, "node_id": nodeID("App", appID), "slug": v.s.o.AppSlug, "client_id": "Iv1.miniforge",
		"owner": v.login("web-flow"), "name": v.s.o.AppSlug, "description": "ShipSQL on the mini forge",
		"external_url": v.web, "html_url": v.web + "/apps/" + v.s.o.AppSlug,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
		"permissions": maps.Clone(v.s.asked), "events": subscribed, "installations_count": len(v.s.installations),
	}
	return o
}

func (v view) installation(in *installation) object {
	api := fmt.Sprintf("%s/app/installations/%d", v.api, in.id)
	o := object{
		"id": in.id, "app_id": appID, "app_slug": v.s.o.AppSlug, "target_id": in.account.ID, "target_type": in.account.Kind,
		"account": v.user(in.account), "repository_selection": "selected", "access_tokens_url": api + "/access_tokens",
		"repositories_url": v.api + "/installation/repositories", "html_url": v.web + "/settings/installations",
		"permissions": maps.Clone(in.granted), "events": subscribed, "single_file_name": nil, "has_multiple_single_files": false,
		"single_file_paths": []string{}, "suspended_by": nil, "suspended_at": timeOrNull(in.suspended),
		"created_at": timeOrNull(in.createdAt), "updated_at": timeOrNull(in.createdAt),
	}
	if !in.suspended.IsZero() {
		o["suspended_by"] = v.user(in.account)
	}
	return o
}
