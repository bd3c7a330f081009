package miniforge

import (
	"slices"
	"strings"
)

var peopleRoutes = []route{
	{"GET /users/{username}", asInstallation, (*call).getUser},
	{"GET /orgs/{org}/teams/{slug}", asInstallation, (*call).getTeam},
	{"GET /orgs/{org}/teams/{slug}/members", asInstallation, (*call).listMembers},
	{"GET /orgs/{org}/teams/{slug}/memberships/{username}", asInstallation, (*call).getMembership},
	{"GET /repos/{owner}/{repo}/collaborators/{username}/permission", asInstallation, (*call).getPermission},
}

func (c *call) getUser() answer {
	u, err := c.State.user(c.r.PathValue("username"))
	if err != nil {
		return notFound()
	}
	return ok(c.profile(u))
}

// findTeam sees only the teams of the installation's own organisation.
func (c *call) findTeam() *team {
	if !strings.EqualFold(c.r.PathValue("org"), c.installation.account.Login) {
		return nil
	}
	return c.teams[strings.ToLower(c.r.PathValue("org")+"/"+c.r.PathValue("slug"))]
}

func (c *call) getTeam() answer {
	t := c.findTeam()
	if t == nil {
		return notFound()
	}
	return ok(c.view.team(t))
}

func (c *call) listMembers() answer {
	t := c.findTeam()
	if t == nil {
		return notFound()
	}
	return ok(mapEach(paginate(c, t.members), c.view.user))
}

func (c *call) getMembership() answer {
	t := c.findTeam()
	if t == nil {
		return notFound()
	}
	member := func(u *User) bool { return strings.EqualFold(u.Login, c.r.PathValue("username")) }
	if !slices.ContainsFunc(t.members, member) {
		return notFound()
	}
	return ok(object{"url": c.api + c.r.URL.Path, "role": "member", "state": "active"})
}

// legacyPermissions maps the roles to the older four: "permission" knows no
// triage and maintain, "role_name" does.
var legacyPermissions = map[string]string{
	"none": "none", "read": "read", "triage": "read", "write": "write", "maintain": "write", "admin": "admin",
}

func (c *call) getPermission() answer {
	u, err := c.State.user(c.r.PathValue("username"))
	if err != nil {
		return notFound()
	}
	role := c.repo.role(u.Login)
	o := c.view.user(u)
	o["permissions"] = object{
		"pull": role != "none", "triage": role != "none" && role != "read",
		"push": role == "write" || role == "maintain" || role == "admin", "maintain": role == "maintain" || role == "admin",
		"admin": role == "admin",
	}
	o["role_name"] = role
	return ok(object{"permission": legacyPermissions[role], "role_name": role, "user": o})
}
