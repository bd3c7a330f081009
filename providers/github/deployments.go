package github

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

// statusDescription is the length GitHub allows, in characters.
// https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
const statusDescription = 140

// deploymentTask is GitHub's own example of a task's name; it tells our
// deployments from those of an application that follows them.
const deploymentTask = "deploy:migrations"

// deployment is GitHub's deployment with the field go-github v60 lacks.
type deployment struct {
	github.Deployment
	App *github.App `json:"performed_via_github_app"`
}

// PutDeployment makes a deployment, where there is none, and sets its state.
func (p *Provider) PutDeployment(ctx context.Context, repo providers.Repo, d providers.Deployment) (int64, error) {
	var err error
	if d.ID == 0 && d.MayExist {
		d.ID, err = p.findDeployment(ctx, repo, d)
	}
	if d.ID == 0 && err == nil {
		d.ID, err = p.makeDeployment(ctx, repo, d)
	}
	if err != nil {
		return d.ID, err
	}
	return d.ID, p.setStatus(ctx, repo, d)
}

// setStatus adds the state to the deployment's history, unless an attempt whose
// outcome is unknown has done so.
func (p *Provider) setStatus(ctx context.Context, repo providers.Repo, d providers.Deployment) error {
	if d.MayExist {
		if there, err := p.hasStatus(ctx, repo, d); err != nil || there {
			return err
		}
	}
	r := request{method: http.MethodPost, path: pathf("/deployments/%d/statuses", d.ID), body: github.DeploymentStatusRequest{
		State: text(string(d.State)), Description: text(statusText(d)),
		LogURL: text(d.LogURL), EnvironmentURL: text(d.EnvironmentURL), Environment: text(d.Environment),
	}}
	_, err := p.repo(ctx, repo, r, nil)
	if unknown(err) {
		if there, lookup := p.hasStatus(ctx, repo, d); lookup == nil && there {
			return nil
		}
	}
	return err
}

// hasStatus says if the newest status is the one that is to be set. GitHub lists
// the newest first.
// https://docs.github.com/en/rest/deployments/statuses#list-deployment-statuses
func (p *Provider) hasStatus(ctx context.Context, repo providers.Repo, d providers.Deployment) (bool, error) {
	var newest []*github.DeploymentStatus
	if err := p.get(ctx, repo, pathf("/deployments/%d/statuses?per_page=1", d.ID), &newest); err != nil || len(newest) == 0 {
		return false, err
	}
	s := newest[0]
	return s.GetState() == string(d.State) && s.GetDescription() == statusText(d), nil
}

func statusText(d providers.Deployment) string { return cutRunes(d.Description, statusDescription) }

// makeDeployment makes the deployment itself, or finds it where the outcome is
// unknown. GitHub must neither merge the base into the commit nor wait for
// checks: what is deployed was decided by us.
func (p *Provider) makeDeployment(ctx context.Context, repo providers.Repo, d providers.Deployment) (int64, error) {
	var made github.Deployment
	r := request{method: http.MethodPost, path: "/deployments", body: github.DeploymentRequest{
		Ref: github.String(d.SHA), Task: github.String(deploymentTask), Environment: github.String(d.Environment), ProductionEnvironment: github.Bool(d.Production),
		AutoMerge: github.Bool(false), RequiredContexts: &[]string{},
		Description: text(cutRunes(d.Description, statusDescription)),
	}}
	_, err := p.repo(ctx, repo, r, &made)
	if unknown(err) {
		if id, lookup := p.findDeployment(ctx, repo, d); lookup == nil && id != 0 {
			return id, nil
		}
	}
	return made.GetID(), err
}

// findDeployment looks for our newest deployment of the commit to the
// environment; 0 when there is none. GitHub may leave out which app made one:
// then a bot's with our task is taken for ours.
func (p *Provider) findDeployment(ctx context.Context, repo providers.Repo, d providers.Deployment) (int64, error) {
	var id int64
	l := listing{repo: repo, path: "/deployments", query: url.Values{
		"sha": {d.SHA}, "environment": {d.Environment}, "task": {deploymentTask},
	}}
	err := pages(ctx, p, l, func(page []deployment) bool {
		for _, found := range page {
			if p.own(found.App) || (found.App == nil && person(found.GetCreator()).Bot) {
				id = max(id, found.GetID())
			}
		}
		return true
	})
	return id, err
}
