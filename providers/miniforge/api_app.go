package miniforge

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

var appRoutes = []route{
	{"GET /app", asApp, func(c *call) answer { return ok(withMergeGroup(c.app())) }},
	{"GET /app/installations", asApp, (*call).listInstallations},
	{"GET /app/installations/{id}", asApp, (*call).getInstallation},
	{"POST /app/installations/{id}/access_tokens", asApp, (*call).createToken},
	{"GET /repos/{owner}/{repo}/installation", asApp, (*call).repoInstallation},
	{"GET /orgs/{owner}/installation", asApp, (*call).ownerInstallation},
	{"GET /users/{owner}/installation", asApp, (*call).ownerInstallation},
	{"GET /app/hook/config", asApp, (*call).hookConfig},
	{"GET /app/hook/deliveries", asApp, (*call).listDeliveries},
	{"GET /app/hook/deliveries/{id}", asApp, (*call).getDelivery},
	{"POST /app/hook/deliveries/{id}/attempts", asApp, (*call).redeliverAttempt},
	{"GET /installation/repositories", asInstallation, (*call).listInstallationRepos},
	{"GET /rate_limit", asInstallation, (*call).rateLimit},
}

func (c *call) listInstallations() answer {
	all := slices.SortedFunc(maps.Values(c.installations), func(a, b *installation) int { return int(a.id - b.id) })
	return ok(mapEach(paginate(c, all), func(in *installation) object {
		o := withMergeGroup(c.view.installation(in))
		// In lists GitHub describes an account as user and enterprise in one.
		o["account"] = with(o["account"].(object), object{
			"name": in.account.Name, "slug": in.account.Login, "created_at": o["created_at"], "updated_at": o["updated_at"],
		})
		return o
	}))
}

func (c *call) findInstallation() *installation {
	for _, in := range c.installations {
		if in.id == c.id("id") {
			return in
		}
	}
	return nil
}

func (c *call) getInstallation() answer {
	in := c.findInstallation()
	if in == nil {
		return notFound()
	}
	return ok(withMergeGroup(c.view.installation(in)))
}

func (c *call) createToken() answer {
	in := c.findInstallation()
	switch {
	case in == nil:
		return notFound()
	case !in.suspended.IsZero():
		return suspended()
	}
	text, t := c.newToken(in)
	return created(object{
		"token": text, "expires_at": timeOrNull(t.expires), "permissions": maps.Clone(in.granted), "repository_selection": "selected",
	})
}

func (c *call) repoInstallation() answer {
	r, moved := c.named(c.r.PathValue("owner") + "/" + c.r.PathValue("repo"))
	switch {
	case r == nil || !r.installed:
		return notFound()
	case moved:
		return c.redirect(r)
	}
	return ok(c.view.installation(c.ensureInstallation(r.owner)))
}

func (c *call) ownerInstallation() answer {
	in, there := c.installations[strings.ToLower(c.r.PathValue("owner"))]
	if !there {
		return notFound()
	}
	return ok(c.view.installation(in))
}

func (c *call) listInstallationRepos() answer {
	mine := slices.DeleteFunc(slices.Clone(c.repoOrder), func(r *repo) bool { return !c.owns(r) })
	return ok(object{"total_count": len(mine), "repositories": mapEach(paginate(c, mine), c.view.repo)})
}

func (c *call) rateLimit() answer {
	core := object{
		"limit": c.o.RateLimit, "used": c.State.installations[strings.ToLower(c.installation.account.Login)].used,
		"remaining": c.o.RateLimit - c.installation.used, "reset": c.installation.hour.Add(time.Hour).Unix(),
	}
	return ok(object{"rate": core, "resources": object{"core": core, "search": core}})
}

// sentAttempt is one row of the App's delivery list.
type sentAttempt struct {
	*delivery
	attempt
}

// deliveriesKept is how long the App can ask for its deliveries:
// https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/viewing-webhook-deliveries
const deliveriesKept = 3 * 24 * time.Hour

// attemptsNewestFirst lists the attempts that are kept, as GitHub lists them.
func (s *State) attemptsNewestFirst() []sentAttempt {
	var all []sentAttempt
	for _, d := range s.deliveries {
		for _, a := range d.attempts {
			if s.o.Clock.Now().Sub(a.at) <= deliveriesKept {
				all = append(all, sentAttempt{d, a})
			}
		}
	}
	slices.SortFunc(all, func(a, b sentAttempt) int { return int(b.attempt.id - a.attempt.id) })
	return all
}

func (c *call) listDeliveries() answer {
	all := c.attemptsNewestFirst()
	size := min(c.number("per_page", defaultPage), maxPage)
	cursor := c.number("cursor", 0) // everything older than that attempt
	if cursor > 0 {
		all = slices.DeleteFunc(all, func(a sentAttempt) bool { return a.attempt.id >= int64(cursor) })
	}
	if len(all) > size {
		all = all[:size]
		c.link = c.cursorLink(all[size-1].attempt.id)
	}
	return ok(mapEach(all, deliveryItem))
}

func deliveryItem(a sentAttempt) object {
	status := http.StatusText(a.status)
	switch {
	case a.timedOut:
		status = "timed out"
	case status == "":
		status = "failed to connect to host"
	}
	o := object{
		"id": a.attempt.id, "guid": a.GUID, "delivered_at": a.at.UTC().Format(time.RFC3339), "redelivery": a.redelivery,
		"duration": a.took.Seconds(), "status": status, "status_code": a.status, "event": a.Event,
		"action": textOrNull(a.Action), "installation_id": a.installation, "repository_id": nil,
	}
	if a.repository != 0 {
		o["repository_id"] = a.repository
	}
	return o
}

func (c *call) findAttempt() (sentAttempt, bool) {
	all := c.attemptsNewestFirst()
	i := slices.IndexFunc(all, func(a sentAttempt) bool { return a.attempt.id == c.id("id") })
	if i < 0 {
		return sentAttempt{}, false
	}
	return all[i], true
}
