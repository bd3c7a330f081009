package miniforge

import (
	"maps"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// AddRepo makes a repository with a first commit and installs the App on it.
func (f *Forge) AddRepo(n NewRepo) error {
	return f.change(func(s *State) error {
		owner, name, ok := strings.Cut(n.Name, "/")
		if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
			return fault.New(fault.Invalid, "a repository is written owner/name, not %q", n.Name)
		}
		if _, taken := s.repos[strings.ToLower(n.Name)]; taken {
			return fault.New(fault.Conflict, "the repository %s is there already", n.Name)
		}
		r := s.newRepo(s.owner(owner), name)
		r.private, r.installed = n.Private, !n.Uninstalled
		if n.Branch != "" {
			r.main = n.Branch
		}
		first := Commit{Author: n.Author, Message: "Initial commit", Files: n.Files}
		if first.Author == "" {
			first.Author = owner
		}
		if len(first.Files) == 0 {
			first.Files = map[string]string{"README.md": "# " + name + "\n"}
		}
		sha, err := s.commitOn(r, "", first)
		if err != nil {
			return err
		}
		r.heads[r.main] = sha
		s.register(r)
		return nil
	})
}

func (s *State) newRepo(owner *User, name string) *repo {
	return &repo{
		id: s.newID(), owner: owner, name: name, main: "main", createdAt: s.now(),
		git: gitmem.NewStore(), heads: map[string]string{}, roles: map[string]string{}, required: map[string][]string{},
	}
}

func (s *State) register(r *repo) {
	s.rename(r, r.owner, r.name)
	s.repoOrder = append(s.repoOrder, r)
	if r.installed {
		s.ensureInstallation(r.owner)
	}
}

// Fork copies repo into owner's account and returns the fork's name. The App
// is not installed there.
func (f *Forge) Fork(repo, owner string) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		parent, u, err := s.repoAndUser(repo, owner)
		if err != nil {
			return "", err
		}
		name := u.Login + "/" + parent.name
		if _, taken := s.repos[strings.ToLower(name)]; taken {
			return "", fault.New(fault.Conflict, "the repository %s is there already", name)
		}
		fork := s.newRepo(u, parent.name)
		fork.parent, fork.git, fork.main, fork.private = parent, parent.git, parent.main, parent.private
		fork.heads = maps.Clone(parent.heads)
		s.register(fork)
		return name, nil
	})
}
