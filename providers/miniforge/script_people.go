package miniforge

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// AddUser makes an account.
func (f *Forge) AddUser(u User) error {
	return f.change(func(s *State) error {
		if u.Login == "" {
			return fault.New(fault.Invalid, "a user needs a login")
		}
		if _, taken := s.users[strings.ToLower(u.Login)]; taken {
			return fault.New(fault.Conflict, "the user %s is there already", u.Login)
		}
		s.addUser(u)
		return nil
	})
}

// AddTeam makes the team "org/slug", or adds members to it.
func (f *Forge) AddTeam(team string, members ...string) error {
	return f.change(func(s *State) error {
		t, err := s.ensureTeam(team)
		if err != nil {
			return err
		}
		for _, login := range members {
			u, err := s.user(login)
			if err != nil {
				return err
			}
			if !slices.Contains(t.members, u) {
				t.members = append(t.members, u)
			}
		}
		return nil
	})
}

func (s *State) ensureTeam(name string) (*team, error) {
	if t, ok := s.teams[strings.ToLower(name)]; ok {
		return t, nil
	}
	org, slug, ok := strings.Cut(name, "/")
	if !ok || org == "" || slug == "" {
		return nil, fault.New(fault.Invalid, "a team is written org/slug, not %q", name)
	}
	t := &team{id: s.newID(), org: s.owner(org), slug: slug, createdAt: s.now()}
	s.teams[strings.ToLower(name)] = t
	return t, nil
}

// owner finds an account, or makes an organisation of that name.
func (s *State) owner(login string) *User {
	if u, err := s.user(login); err == nil {
		return u
	}
	return s.addUser(User{Login: login, Kind: "Organization"})
}

// RemoveFromTeam takes a member out of a team.
func (f *Forge) RemoveFromTeam(team, login string) error {
	return f.change(func(s *State) error {
		t, err := s.ensureTeam(team)
		if err != nil {
			return err
		}
		t.members = slices.DeleteFunc(t.members, func(u *User) bool { return strings.EqualFold(u.Login, login) })
		return nil
	})
}

var roles = []string{"none", "read", "triage", "write", "maintain", "admin"}

// SetPermission gives login a role: none, read, triage, write, maintain or admin.
func (f *Forge) SetPermission(repo, login, role string) error {
	return f.change(func(s *State) error {
		r, u, err := s.repoAndUser(repo, login)
		if err != nil {
			return err
		}
		if !slices.Contains(roles, role) {
			return fault.New(fault.Invalid, "no role is called %q", role).Then("use one of %s", strings.Join(roles, ", "))
		}
		r.roles[strings.ToLower(u.Login)] = role
		return nil
	})
}

// Protect requires the named checks (usually "sql-review") before a merge into branch.
func (f *Forge) Protect(repo, branch string, checks ...string) error {
	return f.change(func(s *State) error {
		r, err := s.repo(repo)
		if err != nil {
			return err
		}
		r.required[branch] = slices.Clone(checks)
		return nil
	})
}
