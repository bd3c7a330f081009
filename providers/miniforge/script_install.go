package miniforge

import (
	"maps"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// Install installs the App on all repositories of an account.
func (f *Forge) Install(owner string) error {
	return f.change(func(s *State) error {
		u, err := s.user(owner)
		if err != nil {
			return err
		}
		in := s.ensureInstallation(u)
		for _, r := range s.repoOrder {
			r.installed = r.installed || r.owner == u
		}
		s.emitInstallation("created", in)
		return nil
	})
}

func (s *State) ensureInstallation(owner *User) *installation {
	key := strings.ToLower(owner.Login)
	if in, ok := s.installations[key]; ok {
		return in
	}
	in := &installation{id: s.newID(), account: owner, createdAt: s.now(), granted: maps.Clone(s.asked)}
	s.installations[key] = in
	return in
}

// onInstallation changes an account's installation and tells of it.
func (f *Forge) onInstallation(owner, action string, change func(*State, *installation)) error {
	return f.change(func(s *State) error {
		in, ok := s.installations[strings.ToLower(owner)]
		if !ok {
			return fault.New(fault.NotFound, "the App is not installed for %s", owner)
		}
		change(s, in)
		s.emitInstallation(action, in)
		return nil
	})
}

// Uninstall removes the App from an account: its tokens die and its
// repositories answer 404.
func (f *Forge) Uninstall(owner string) error {
	return f.change(func(s *State) error {
		in, ok := s.installations[strings.ToLower(owner)]
		if !ok {
			return fault.New(fault.NotFound, "the App is not installed for %s", owner)
		}
		s.emitInstallation("deleted", in)
		for _, r := range s.repoOrder {
			r.installed = r.installed && r.owner != in.account
		}
		delete(s.installations, strings.ToLower(owner))
		maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return t.installation == in })
		return nil
	})
}

// Suspend suspends an account's installation: it gets no more webhooks, and 403
// for every call and for new tokens.
func (f *Forge) Suspend(owner string) error {
	return f.onInstallation(owner, "suspend", func(s *State, in *installation) { in.suspended = s.now() })
}

// Unsuspend ends a suspension.
func (f *Forge) Unsuspend(owner string) error {
	return f.onInstallation(owner, "unsuspend", func(_ *State, in *installation) { in.suspended = time.Time{} })
}

// Ask changes what the App asks for: installations keep what they granted until
// AcceptPermissions. Level is read or write, "" to ask for it no more.
func (f *Forge) Ask(permission, level string) {
	_ = f.change(func(s *State) error {
		s.asked[permission] = level
		if level == "" {
			delete(s.asked, permission)
		}
		return nil
	})
}

// AcceptPermissions grants what the App asks for.
func (f *Forge) AcceptPermissions(owner string) error {
	return f.onInstallation(owner, "new_permissions_accepted", func(s *State, in *installation) { in.granted = maps.Clone(s.asked) })
}

// AddToInstallation lets the App into one more repository of an account that
// has it installed, or installs it there for this one.
func (f *Forge) AddToInstallation(repo string) error {
	return f.change(func(s *State) error {
		r, err := s.repo(repo)
		if err != nil {
			return err
		}
		r.installed = true
		s.emitSelection("added", s.ensureInstallation(r.owner), r)
		return nil
	})
}

// RemoveFromInstallation takes one repository from the App; the installation
// stays.
func (f *Forge) RemoveFromInstallation(repo string) error {
	return f.change(func(s *State) error {
		r, err := s.repo(repo)
		if err != nil {
			return err
		}
		s.leaveInstallation(r)
		return nil
	})
}

func (s *State) leaveInstallation(r *repo) {
	if r.installed {
		r.installed = false
		s.emitSelection("removed", s.ensureInstallation(r.owner), r)
	}
}

// ExpireTokens makes every installation token given so far invalid.
func (f *Forge) ExpireTokens() {
	_ = f.change(func(s *State) error {
		clear(s.tokens)
		return nil
	})
}
