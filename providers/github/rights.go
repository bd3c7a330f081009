package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Repository finds a repository by "owner/name".
func (p *Provider) Repository(ctx context.Context, fullName string) (providers.Repo, error) {
	owner, name, _ := strings.Cut(fullName, "/")
	s, err := of(providers.Repo{Provider: p.cfg.Name, Owner: owner, Name: name})
	if err != nil {
		return providers.Repo{}, err
	}
	return p.lookUp(ctx, s)
}

// RepositoryByID finds a repository by its number. The addresses below
// repositories/ID are those GitHub itself redirects a renamed repository's to.
func (p *Provider) RepositoryByID(ctx context.Context, id int64) (providers.Repo, error) {
	return p.lookUp(ctx, scope{path: pathf("repositories/%d", id)})
}

// lookUp asks who installed us there now, whatever was known, then reads the
// repository: a public one could be read with anybody's installation.
func (p *Provider) lookUp(ctx context.Context, s scope) (providers.Repo, error) {
	id, err := p.findInstallation(ctx, s)
	if err != nil {
		return providers.Repo{}, err
	}
	var found github.Repository
	if _, err := p.call(ctx, s, request{method: http.MethodGet, path: s.path}, &found); err != nil {
		return providers.Repo{}, err
	}
	return providers.Repo{
		Provider: p.cfg.Name, Owner: found.GetOwner().GetLogin(), Name: found.GetName(),
		ID: found.GetID(), Installation: id, Private: found.GetPrivate(), Archived: found.GetArchived(),
	}, nil
}

// Permission reads what a user may do in a repository.
func (p *Provider) Permission(ctx context.Context, repo providers.Repo, login string) (providers.Permission, error) {
	if login == "" {
		return providers.NoPermission, nil
	}
	var level struct {
		Permission string `json:"permission"` // admin, write, read, none
		RoleName   string `json:"role_name"`  // also triage, maintain, and an organisation's own roles
	}
	err := p.get(ctx, repo, pathf("/collaborators/%s/permission", login), &level)
	if errors.Is(err, providers.ErrNotFound) {
		return providers.NoPermission, nil
	}
	if err != nil {
		return providers.NoPermission, err
	}
	return permission(level.RoleName, level.Permission), nil
}

// permission is the role where we know it, else the coarser permission, which
// is what an organisation's own role builds upon.
func permission(role, coarse string) providers.Permission {
	for _, word := range []string{role, coarse} {
		known := []providers.Permission{
			providers.ReadPermission, providers.TriagePermission, providers.WritePermission,
			providers.MaintainPermission, providers.AdminPermission,
		}
		if slices.Contains(known, providers.Permission(word)) {
			return providers.Permission(word)
		}
	}
	return providers.NoPermission
}

// InTeam says if a user is an active member of "org/slug".
func (p *Provider) InTeam(ctx context.Context, team, login string) (bool, error) {
	org, slug, _ := strings.Cut(team, "/")
	if !plain(org) || !plain(slug) {
		return false, fault.New(fault.Invalid, "%q is no team", team).Then("write organisation/team-slug")
	}
	if login == "" {
		return false, nil
	}
	var membership github.Membership
	r := request{method: http.MethodGet, path: pathf("orgs/%s/teams/%s/memberships/%s", org, slug, login)}
	_, err := p.call(ctx, scope{path: "orgs/" + org}, r, &membership)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("team %s: %w", team, err)
	}
	return membership.GetState() == "active", nil // an invitation is "pending"
}
