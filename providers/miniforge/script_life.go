package miniforge

import (
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// Rename gives a repository another name ("name" alone). Its old one redirects
// until another repository takes it.
func (f *Forge) Rename(name, to, by string) error {
	return f.onRepo(name, by, func(s *State, r *repo, u *User) error {
		if _, taken := s.repos[strings.ToLower(r.owner.Login+"/"+to)]; taken {
			return fault.New(fault.Conflict, "the repository %s/%s is there already", r.owner.Login, to)
		}
		before := r.name
		s.rename(r, r.owner, to)
		s.emitRepository("renamed", r, u, object{"repository": object{"name": object{"from": before}}})
		return nil
	})
}

// Transfer gives a repository another owner. The App keeps it where it is
// installed for the new owner too.
func (f *Forge) Transfer(name, owner, by string) error {
	return f.onRepo(name, by, func(s *State, r *repo, u *User) error {
		to := s.owner(owner)
		if _, taken := s.repos[strings.ToLower(to.Login+"/"+r.name)]; taken {
			return fault.New(fault.Conflict, "the repository %s/%s is there already", to.Login, r.name)
		}
		from := r.owner
		s.leaveInstallation(r)
		s.rename(r, to, r.name)
		if in, there := s.installations[strings.ToLower(to.Login)]; there {
			r.installed = true
			s.emitSelection("added", in, r)
		}
		s.emitRepository("transferred", r, u, object{"owner": object{"from": s.hookView().formerOwner(from)}})
		return nil
	})
}

// DeleteRepo deletes a repository.
func (f *Forge) DeleteRepo(name, by string) error {
	return f.onRepo(name, by, func(s *State, r *repo, u *User) error {
		s.emitRepository("deleted", r, u, nil)
		gone := func(_ string, other *repo) bool { return other == r }
		maps.DeleteFunc(s.repos, gone)
		maps.DeleteFunc(s.former, gone)
		s.repoOrder = slices.DeleteFunc(s.repoOrder, func(other *repo) bool { return other == r })
		return nil
	})
}

// Archive makes a repository read-only, for the App too.
func (f *Forge) Archive(name, by string) error { return f.setArchived(name, by, true) }

// Unarchive makes it writable again.
func (f *Forge) Unarchive(name, by string) error { return f.setArchived(name, by, false) }

func (f *Forge) setArchived(name, by string, archived bool) error {
	action := map[bool]string{true: "archived", false: "unarchived"}[archived]
	return f.onRepo(name, by, func(s *State, r *repo, u *User) error {
		r.archived = archived
		s.emitRepository(action, r, u, nil)
		return nil
	})
}

// SetPrivate changes who can see a repository.
func (f *Forge) SetPrivate(name string, private bool, by string) error {
	action := map[bool]string{true: "privatized", false: "publicized"}[private]
	return f.onRepo(name, by, func(s *State, r *repo, u *User) error {
		r.private = private
		s.emitRepository(action, r, u, nil)
		return nil
	})
}

// onRepo runs a change of a repository by a person.
func (f *Forge) onRepo(name, by string, change func(*State, *repo, *User) error) error {
	return f.change(func(s *State) error {
		r, u, err := s.repoAndUser(name, by)
		if err != nil {
			return err
		}
		return change(s, r, u)
	})
}

// rename makes owner/name the repository's name, and the one it had, if any, a
// former one.
func (s *State) rename(r *repo, owner *User, name string) {
	if before := strings.ToLower(r.fullName()); s.repos[before] == r {
		delete(s.repos, before)
		s.former[before] = r
	}
	r.owner, r.name = owner, name
	now := strings.ToLower(r.fullName())
	delete(s.former, now)
	s.repos[now] = r
	for _, run := range r.runs {
		run.Repo = r.fullName()
	}
	for _, d := range r.deployments {
		d.Repo = r.fullName()
	}
}
