package miniforge

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

var deployRoutes = []route{
	{"GET /repos/{owner}/{repo}/deployments", asInstallation, (*call).listDeployments},
	{"POST /repos/{owner}/{repo}/deployments", asInstallation, (*call).createDeployment},
	{"GET /repos/{owner}/{repo}/deployments/{id}", asInstallation, withDeployment((*call).getDeployment)},
	{"GET /repos/{owner}/{repo}/deployments/{id}/statuses", asInstallation, withDeployment((*call).listStatuses)},
	{"POST /repos/{owner}/{repo}/deployments/{id}/statuses", asInstallation, withDeployment((*call).createStatus)},
}

// withDeployment finds the deployment that the path names.
func withDeployment(handle func(*call, *deployment) answer) func(*call) answer {
	return func(c *call) answer {
		i := slices.IndexFunc(c.repo.deployments, func(d *deployment) bool { return d.ID == c.id("id") })
		if i < 0 {
			return notFound()
		}
		return handle(c, c.repo.deployments[i])
	}
}

func (c *call) listDeployments() answer {
	wants := func(key, value string) bool { return c.query(key) == "" || c.query(key) == value }
	var list []*deployment
	for _, d := range slices.Backward(c.repo.deployments) {
		if wants("sha", d.SHA) && wants("ref", d.Ref) && wants("environment", d.Environment) && wants("task", d.Task) {
			list = append(list, d)
		}
	}
	return ok(mapEach(paginate(c, list), func(d *deployment) object { return c.view.deployment(c.repo, d) }))
}

func (c *call) getDeployment(d *deployment) answer { return ok(c.view.deployment(c.repo, d)) }

type newDeployment struct {
	Ref, Task, Environment, Description string
	Payload                             json.RawMessage
	Production                          *bool `json:"production_environment"`
	Transient                           bool  `json:"transient_environment"`
}

func (c *call) createDeployment() answer {
	var n newDeployment
	if !c.decode(&n) {
		return badJSON()
	}
	commit, found := c.repo.resolve(n.Ref)
	if !found {
		return invalid("Deployment", "ref", "No ref found for: %s", n.Ref)
	}
	environment := cmp.Or(n.Environment, "production")
	production := environment == "production"
	set(&production, n.Production)
	d := &deployment{creator: c.bot(), Deployment: Deployment{
		ID: c.newID(), Repo: c.repo.fullName(), Ref: n.Ref, SHA: commit.Hash, Task: cmp.Or(n.Task, "deploy"),
		Environment: environment, Description: n.Description, Production: production, Transient: n.Transient,
		Payload: string(n.Payload), CreatedAt: c.now(),
	}}
	c.repo.deployments = append(c.repo.deployments, d)
	return created(c.view.deployment(c.repo, d))
}

func (c *call) listStatuses(d *deployment) answer {
	newest := slices.Clone(d.Statuses)
	slices.Reverse(newest)
	return ok(mapEach(paginate(c, newest), func(s DeploymentStatus) object { return c.deploymentStatus(c.repo, d, s) }))
}

type newStatus struct {
	State, Description, Environment string
	EnvironmentURL                  string `json:"environment_url"`
	LogURL                          string `json:"log_url"`
	AutoInactive                    *bool  `json:"auto_inactive"`
}

var deploymentStates = []string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}

// maxStatusDescription is GitHub's limit of a status's description.
const maxStatusDescription = 140

func (c *call) createStatus(d *deployment) answer {
	var n newStatus
	if !c.decode(&n) {
		return badJSON()
	}
	if !slices.Contains(deploymentStates, n.State) {
		return invalid("DeploymentStatus", "state", "%q is no state", n.State)
	}
	if tooLong(n.Description, maxStatusDescription) {
		return invalid("DeploymentStatus", "description", "description is too long (maximum is 140 characters)")
	}
	st := DeploymentStatus{
		ID: c.newID(), State: n.State, Description: n.Description, Environment: cmp.Or(n.Environment, d.Environment),
		EnvironmentURL: n.EnvironmentURL, LogURL: n.LogURL, CreatedAt: c.now(),
	}
	d.Statuses = append(d.Statuses, st)
	if n.State == "success" && (n.AutoInactive == nil || *n.AutoInactive) {
		c.retire(d)
	}
	return answer{status: http.StatusCreated, body: c.deploymentStatus(c.repo, d, st)}
}

// retire marks the earlier deployments of a lasting, non-production environment
// inactive, which is what auto_inactive means.
func (c *call) retire(by *deployment) {
	for _, d := range c.repo.deployments {
		if d == by || d.Environment != by.Environment || d.Transient || d.Production || d.State() != "success" {
			continue
		}
		d.Statuses = append(d.Statuses, DeploymentStatus{
			ID: c.newID(), State: "inactive", Environment: d.Environment, CreatedAt: c.now(),
		})
	}
}
