package miniforge

import (
	"fmt"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

func (v view) run(r *repo, c *run) object {
	api := fmt.Sprintf("%s/check-runs/%d", v.repoAPI(r), c.ID)
	web := fmt.Sprintf("%s/runs/%d", v.repoWeb(r), c.ID)
	details := c.DetailsURL
	if details == "" {
		details = web
	}
	return object{
		"id": c.ID, "node_id": nodeID("CheckRun", c.ID), "head_sha": c.SHA, "name": c.Name, "url": api, "html_url": web,
		"details_url": details, "external_id": c.ExternalID, "status": c.Status, "conclusion": textOrNull(c.Conclusion),
		"started_at": timeOrNull(c.StartedAt), "completed_at": timeOrNull(c.CompletedAt), "app": v.app(),
		"check_suite": object{"id": c.suite.id}, "pull_requests": v.pullsAt(r, c.SHA),
		"output": object{
			"title": textOrNull(c.Title), "summary": textOrNull(c.Summary), "text": textOrNull(c.Text),
			"annotations_count": len(c.Annotations), "annotations_url": api + "/annotations",
		},
	}
}

// pullsAt lists the open pull requests of a commit as checks name them: those
// from forks are never listed.
func (v view) pullsAt(r *repo, sha string) []object {
	list := []object{}
	for _, p := range r.pulls {
		if p.Head.SHA != sha || p.head != r || p.State != "open" {
			continue
		}
		named := object{"id": r.id, "name": r.name, "url": v.repoAPI(r)}
		list = append(list, object{
			"id": p.ID, "number": p.Number, "url": fmt.Sprintf("%s/pulls/%d", v.repoAPI(r), p.Number),
			"head": object{"ref": p.Head.Ref, "sha": p.Head.SHA, "repo": named},
			"base": object{"ref": p.Base.Ref, "sha": p.Base.SHA, "repo": named},
		})
	}
	return list
}

func (v view) suite(r *repo, c *suite) object {
	api := fmt.Sprintf("%s/check-suites/%d", v.repoAPI(r), c.id)
	status, conclusion := r.outcome(c)
	commit, _ := r.git.Commit(c.sha)
	return object{
		"id": c.id, "node_id": nodeID("CheckSuite", c.id), "head_branch": textOrNull(c.branch), "head_sha": c.sha,
		"status": status, "conclusion": textOrNull(conclusion), "url": api, "before": before(commit), "after": c.sha,
		"pull_requests": v.pullsAt(r, c.sha), "app": v.app(), "repository": v.repo(r),
		"created_at": timeOrNull(c.createdAt), "updated_at": timeOrNull(c.createdAt),
		"latest_check_runs_count": len(r.runsOf(c.sha)), "check_runs_url": api + "/check-runs",
		"head_commit": v.simpleCommit(commit),
	}
}

func before(c gitmem.Commit) string {
	if len(c.Parents) == 0 {
		return noCommit
	}
	return c.Parents[0]
}

func (v view) annotation(r *repo, sha string, a Annotation) object {
	o := object{
		"path": a.Path, "blob_href": v.repoWeb(r) + "/blob/" + sha + "/" + a.Path, "start_line": a.StartLine,
		"end_line": a.EndLine, "start_column": nil, "end_column": nil, "annotation_level": a.Level,
		"title": textOrNull(a.Title), "message": a.Message, "raw_details": textOrNull(a.RawDetails),
	}
	if a.StartColumn > 0 {
		o["start_column"], o["end_column"] = a.StartColumn, a.EndColumn
	}
	return o
}

func (v view) deployment(r *repo, d *deployment) object {
	api := fmt.Sprintf("%s/deployments/%d", v.repoAPI(r), d.ID)
	return object{
		"id": d.ID, "node_id": nodeID("Deployment", d.ID), "sha": d.SHA, "ref": d.Ref, "task": d.Task,
		"environment": d.Environment, "original_environment": d.Environment, "creator": v.user(d.creator),
		"payload": d.Payload, "description": textOrNull(d.Description), "production_environment": d.Production,
		"transient_environment": d.Transient, "url": api, "statuses_url": api + "/statuses",
		"repository_url": v.repoAPI(r), "created_at": timeOrNull(d.CreatedAt), "updated_at": timeOrNull(d.CreatedAt),
	}
}

func (v view) deploymentStatus(r *repo, d *deployment, st DeploymentStatus) object {
	api := fmt.Sprintf("%s/deployments/%d", v.repoAPI(r), d.ID)
	return object{
		"id": st.ID, "node_id": nodeID("DeploymentStatus", st.ID), "state": st.State, "creator": v.user(d.creator),
		"description": st.Description, "environment": st.Environment, "environment_url": st.EnvironmentURL,
		"log_url": st.LogURL, "target_url": st.LogURL, "url": fmt.Sprintf("%s/statuses/%d", api, st.ID),
		"deployment_url": api, "repository_url": v.repoAPI(r),
		"created_at": timeOrNull(st.CreatedAt), "updated_at": timeOrNull(st.CreatedAt),
	}
}

func (v view) team(t *team) object {
	api := v.api + "/organizations/1/team/" + t.slug
	org := v.organization(t.org)
	for _, key := range []string{"followers", "following", "public_gists", "public_repos"} {
		org[key] = 0
	}
	org["html_url"], org["type"], org["archived_at"] = v.web+"/"+t.org.Login, "Organization", nil
	org["has_organization_projects"], org["has_repository_projects"] = false, false
	org["created_at"], org["updated_at"] = timeOrNull(t.createdAt), timeOrNull(t.createdAt)
	return object{
		"id": t.id, "node_id": nodeID("Team", t.id), "url": api, "members_url": api + "/members{/member}",
		"name": t.slug, "slug": t.slug, "description": nil, "permission": "pull", "privacy": "closed",
		"html_url": v.web + "/orgs/" + t.org.Login + "/teams/" + t.slug, "repositories_url": api + "/repos",
		"created_at": timeOrNull(t.createdAt), "updated_at": timeOrNull(t.createdAt), "type": "organization",
		"members_count": len(t.members), "repos_count": 0, "organization": org, "parent": nil,
	}
}
