package miniforge

import (
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// emit makes a webhook about a repository, if the App is installed there.
func (s *State) emit(event string, r *repo, by *User, payload object) {
	if !r.installed {
		return
	}
	v := s.hookView()
	in := s.ensureInstallation(r.owner)
	if !in.suspended.IsZero() {
		return
	}
	payload["repository"], payload["sender"] = v.repo(r), v.user(by)
	payload["installation"] = object{"id": in.id, "node_id": nodeID("Installation", in.id)}
	if r.owner.Kind == "Organization" {
		payload["organization"] = v.organization(r.owner)
	}
	s.record(event, r, in, payload)
}

// with adds the fields of more, which may be nil, to a payload.
func with(payload, more object) object {
	maps.Copy(payload, more)
	return payload
}

func (s *State) emitPull(action string, p *pull, by *User, more object) {
	s.emit("pull_request", p.base, by, with(object{
		"action": action, "number": p.Number, "pull_request": s.hookView().fullPull(p),
	}, more))
}

func (s *State) emitComment(action string, c *comment, by *User, more object) {
	v := s.hookView()
	s.emit("issue_comment", c.pull.base, by, with(object{
		"action": action, "issue": v.issue(c.pull), "comment": v.comment(c),
	}, more))
}

func (s *State) emitRun(action string, c *run, by *User, more object) {
	r := s.repos[strings.ToLower(c.Repo)]
	v := s.hookView()
	check := v.run(r, c)
	check["check_suite"] = v.suite(r, c.suite)
	s.emit("check_run", r, by, with(object{"action": action, "check_run": check}, more))
}

func (s *State) emitSuite(action string, r *repo, c *suite, by *User) {
	s.emit("check_suite", r, by, object{"action": action, "check_suite": s.hookView().suite(r, c)})
}

func (s *State) emitMergeGroup(action string, g *mergeGroup, more object) {
	r := g.pull.base
	head, _ := r.git.Commit(g.head)
	s.emit("merge_group", r, g.by, with(object{"action": action, "merge_group": object{
		"head_sha": g.head, "head_ref": "refs/heads/" + g.ref, "base_sha": g.base,
		"base_ref": "refs/heads/" + g.pull.Base.Ref, "head_commit": s.hookView().simpleCommit(head),
	}}, more))
}

func (s *State) emitInstallation(action string, in *installation) {
	v := s.hookView()
	repositories := []object{}
	for _, r := range s.repoOrder {
		if r.owner == in.account && r.installed {
			repositories = append(repositories, listedRepo(r))
		}
	}
	s.record("installation", nil, in, object{
		"action": action, "installation": v.installation(in), "repositories": repositories,
		"sender": v.user(in.account),
	})
}

func listedRepo(r *repo) object {
	return object{"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": r.private}
}

// emitSelection tells that a repository was added to an installation or removed.
func (s *State) emitSelection(action string, in *installation, r *repo) {
	v := s.hookView()
	payload := object{
		"action": action, "installation": v.installation(in), "repository_selection": "selected", "requester": nil,
		"repositories_added": []object{}, "repositories_removed": []object{}, "sender": v.user(in.account),
	}
	payload["repositories_"+action] = []object{listedRepo(r)}
	s.record("installation_repositories", nil, in, payload)
}

// emitRepository tells of a change of a repository itself; changes may be nil.
func (s *State) emitRepository(action string, r *repo, by *User, changes object) {
	payload := object{"action": action}
	if changes != nil {
		payload["changes"] = changes
	}
	s.emit("repository", r, by, payload)
}

// formerOwner is who owned a transferred repository before.
func (v view) formerOwner(u *User) object {
	if u.Kind == "Organization" {
		return object{"organization": v.organization(u)}
	}
	return object{"user": v.user(u)}
}

// push is one movement of a branch.
type push struct {
	branch, before, after string
	by                    *User
	forced                bool
}

// maxPushCommits is how many commits a push event lists:
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
const maxPushCommits = 2048

func (s *State) emitPush(r *repo, p push) {
	v := s.hookView()
	payload := object{
		"ref": "refs/heads/" + p.branch, "before": p.before, "after": p.after, "created": p.before == noCommit,
		"deleted": p.after == noCommit, "forced": p.forced, "base_ref": nil, "head_commit": nil,
		"compare": v.repoWeb(r) + "/compare/" + p.before[:12] + "..." + p.after[:12], "commits": []object{},
		"pusher": object{"name": p.by.Login, "email": p.by.Email},
	}
	if p.after != noCommit {
		others := slices.DeleteFunc(r.branches(), func(b string) bool { return b == p.branch })
		known := append(mapEach(others, func(b string) string { return r.heads[b] }), p.before)
		log := r.git.Log(p.after, known...)
		log = log[:min(len(log), maxPushCommits)]
		slices.Reverse(log)
		payload["commits"] = mapEach(log, func(c gitmem.Commit) object { return v.pushCommit(r, c) })
		head, _ := r.git.Commit(p.after)
		payload["head_commit"] = v.pushCommit(r, head)
	}
	s.emit("push", r, p.by, payload)
}

// pushCommit is a commit as a push event lists it.
func (v view) pushCommit(r *repo, c gitmem.Commit) object {
	o := v.simpleCommit(c)
	o["url"], o["distinct"] = v.repoWeb(r)+"/commit/"+c.Hash, true
	added, removed, modified := []string{}, []string{}, []string{}
	for _, f := range r.changesOf(c) {
		switch f.Status {
		case gitmem.Added:
			added = append(added, f.Path)
		case gitmem.Removed:
			removed = append(removed, f.Path)
		case gitmem.Renamed:
			added, removed = append(added, f.Path), append(removed, f.Previous)
		default:
			modified = append(modified, f.Path)
		}
	}
	o["added"], o["removed"], o["modified"] = added, removed, modified
	return o
}
