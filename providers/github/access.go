package github

import (
	"context"
	"net/http"
	"slices"

	"github.com/shipsql/shipsql/providers"
)

// grants are what an app or an installation of it may do and is told of.
type grants struct {
	Permissions map[string]string
	Events      []string
}

// app is GitHub's description of our app.
type app struct {
	grants
	Slug  string
	Owner user
}

// hookConfig is where and how our app's webhooks are sent.
type hookConfig struct {
	URL         string
	ContentType string `json:"content_type"`
	InsecureSSL any    `json:"insecure_ssl"` // "0", "1", or the same as a number
}

// installed is one account's installation of our app.
type installed struct {
	grants
	ID                  int64
	Account             user
	HTMLURL             string `json:"html_url"`
	SuspendedAt         string `json:"suspended_at"`
	RepositorySelection string `json:"repository_selection"`
}

// Access reads what GitHub lets the app do. An installation keeps what its owner
// once accepted: what the app asks for since then is missing there.
// https://docs.github.com/en/apps/maintaining-github-apps/modifying-a-github-app-registration
func (p *Provider) Access(ctx context.Context) (providers.Access, error) {
	var ours app
	var hook hookConfig
	if _, err := p.asApp(ctx, request{method: http.MethodGet, path: "app"}, &ours); err != nil {
		return providers.Access{}, err
	}
	if _, err := p.asApp(ctx, request{method: http.MethodGet, path: "app/hook/config"}, &hook); err != nil {
		return providers.Access{}, err
	}
	list, err := p.installationList(ctx)
	if err != nil {
		return providers.Access{}, err
	}
	return providers.Access{
		App: ours.Slug, Page: p.settings(ours), Webhook: hook.webhook(), Needs: ours.needs(), Installations: list,
	}, nil
}

// settings is the app's page, where its owner changes what it asks for.
func (p *Provider) settings(a app) string {
	path := "settings/apps/" + a.Slug
	if a.Owner.Type == "Organization" {
		path = "organizations/" + a.Owner.Login + "/" + path
	}
	return p.web.JoinPath(path, "permissions").String()
}

func (h hookConfig) webhook() providers.Webhook {
	insecure := h.InsecureSSL == "1" || h.InsecureSSL == 1.0
	return providers.Webhook{URL: h.URL, ContentType: h.ContentType, InsecureTLS: insecure}
}

func (p *Provider) installationList(ctx context.Context) ([]providers.Installation, error) {
	var list []providers.Installation
	for n := 1; n > 0; {
		var page []installed
		resp, err := p.asApp(ctx, request{method: http.MethodGet, path: pathf("app/installations?per_page=100&page=%d", n)}, &page)
		if err != nil {
			return nil, err
		}
		for _, in := range page {
			list = append(list, in.neutral())
		}
		n = resp.NextPage
	}
	return list, nil
}

func (i installed) neutral() providers.Installation {
	missing := slices.DeleteFunc(i.needs(), func(n providers.Need) bool { return n.Granted })
	return providers.Installation{
		ID: i.ID, Account: i.Account.Login, Page: i.HTMLURL, Suspended: i.SuspendedAt != "",
		All: i.RepositorySelection == "all", Missing: missing,
	}
}

// level orders what GitHub grants of a permission.
func level(word string) int { return slices.Index([]string{"", "read", "write", "admin"}, word) }

// permissions are what our calls need, each for the calls named.
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
var permissions = []struct {
	name, level string
	providers.Need
}{
	{"metadata", "read", providers.Need{What: "Metadata: Read-only", Why: "to find repositories and to read who may do what there"}},
	{"contents", "read", providers.Need{What: "Contents: Read-only", Why: "to read branches, commits and migrations"}},
	{"pull_requests", "write", providers.Need{What: "Pull requests: Read and write", Why: "to read pull requests and to suggest fixes beside their lines"}},
	{"issues", "write", providers.Need{What: "Issues: Read and write", Why: "to read commands, to react to them and to comment"}},
	{"checks", "write", providers.Need{What: "Checks: Read and write", Why: "to give the verdict that blocks a merge"}},
	{"deployments", "write", providers.Need{What: "Deployments: Read and write", Why: "to show each stage on the repository's environments page"}},
	{"members", "read", providers.Need{What: "Organization members: Read-only", Why: "needed when teams approve", Optional: true}},
	{"merge_queues", "read", providers.Need{What: "Merge queues: Read-only", Why: "needed when a branch has a merge queue, which otherwise waits for ever", Optional: true}},
}

// events are the webhooks we act on. GitHub sends those about the installation,
// and those that ask for our checks again, without a subscription.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
var events = []struct {
	name string
	providers.Need
}{
	{"pull_request", providers.Need{What: "Event: Pull request", Why: "to review what is pushed"}},
	{"push", providers.Need{What: "Event: Push", Why: "to release what is merged"}},
	{"issue_comment", providers.Need{What: "Event: Issue comment", Why: "to hear commands"}},
	{"repository", providers.Need{What: "Event: Repository", Why: "to follow a rename or transfer at once; without it, at the next look", Optional: true}},
	{"merge_group", providers.Need{What: "Event: Merge group", Why: "needed when a branch has a merge queue, which otherwise waits for ever", Optional: true}},
}

// needs are all that we need, with what is granted.
func (g grants) needs() []providers.Need {
	var list []providers.Need
	for _, p := range permissions {
		p.Granted = level(g.Permissions[p.name]) >= level(p.level)
		list = append(list, p.Need)
	}
	for _, e := range events {
		e.Granted = slices.Contains(g.Events, e.name)
		list = append(list, e.Need)
	}
	return list
}
