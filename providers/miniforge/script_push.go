package miniforge

import (
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

const noCommit = "0000000000000000000000000000000000000000"

// Push adds commits to a branch, which is made from the default branch if new,
// and returns the new head. Who pushes is the last commit's committer, or its
// author, or the owner if the forge knows neither.
func (f *Forge) Push(repo, branch string, commits ...Commit) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		r, err := s.repo(repo)
		if err != nil {
			return "", err
		}
		onto, ok := r.heads[branch]
		if !ok {
			onto = r.heads[r.main]
		}
		return s.pushOnto(r, branch, onto, commits)
	})
}

// ForcePush sets a branch to the commit onto and adds commits there.
func (f *Forge) ForcePush(repo, branch, onto string, commits ...Commit) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		r, err := s.repo(repo)
		if err != nil {
			return "", err
		}
		c, ok := r.resolve(onto)
		if !ok {
			return "", fault.New(fault.NotFound, "%s has no commit %q", repo, onto)
		}
		return s.pushOnto(r, branch, c.Hash, commits)
	})
}

// PushTo adds commits to a pull request's head branch and returns the new head.
func (f *Forge) PushTo(repo string, number int, commits ...Commit) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		p, err := s.pull(repo, number)
		if err != nil {
			return "", err
		}
		return s.pushOnto(p.head, p.Head.Ref, p.head.heads[p.Head.Ref], commits)
	})
}

// DeleteBranch deletes a branch and closes the pull requests that came from it.
func (f *Forge) DeleteBranch(repo, branch, by string) error {
	return f.change(func(s *State) error {
		r, u, err := s.repoAndUser(repo, by)
		if err != nil {
			return err
		}
		before, ok := r.heads[branch]
		if !ok || branch == r.main {
			return fault.New(fault.Invalid, "%s has no branch %q that can be deleted", repo, branch)
		}
		delete(r.heads, branch)
		s.emitPush(r, push{branch: branch, before: before, after: noCommit, by: u})
		for _, p := range s.openFrom(r, branch) {
			s.closePull(p, u)
		}
		return nil
	})
}

func (s *State) pushOnto(r *repo, branch, onto string, commits []Commit) (string, error) {
	by, head := r.owner, onto
	for _, c := range commits {
		sha, err := s.commitOn(r, head, c)
		if err != nil {
			return "", err
		}
		head = sha
		if u := s.pusher(c); u != nil {
			by = u
		}
	}
	s.moveBranch(r, branch, head, by)
	return head, nil
}

func (s *State) pusher(c Commit) *User {
	for _, login := range []string{c.Pusher, c.Committer, c.Author} {
		if u, err := s.user(login); err == nil {
			return u
		}
	}
	return nil
}

// commitOn makes a commit on top of a parent ("" for none).
func (s *State) commitOn(r *repo, parent string, c Commit) (string, error) {
	when := c.When
	if when.IsZero() {
		when = s.now()
	}
	author, err := s.signature(c.Author, when)
	if err != nil {
		return "", err
	}
	committer := author
	if c.Committer != "" {
		if committer, err = s.signature(c.Committer, when); err != nil {
			return "", err
		}
	}
	made := gitmem.Commit{Author: author, Committer: committer, Message: c.Message}
	files := map[string]gitmem.File{}
	if parent != "" {
		before, _ := r.git.Commit(parent)
		files, made.Parents = r.git.Files(before.Tree), []string{parent}
	}
	applyTo(files, r.git, c)
	made.Tree = r.git.WriteTree(files)
	return r.git.WriteCommit(made), nil
}

func applyTo(files map[string]gitmem.File, git *gitmem.Store, c Commit) {
	for _, path := range c.Delete {
		delete(files, path)
	}
	for path, content := range c.Files {
		files[path] = gitmem.File{Mode: gitmem.Regular, Blob: git.WriteBlob([]byte(content))}
	}
	for path, target := range c.Symlinks {
		files[path] = gitmem.File{Mode: gitmem.Symlink, Blob: git.WriteBlob([]byte(target))}
	}
}

// signature is a login's, or that of "Name <email>".
func (s *State) signature(who string, when time.Time) (gitmem.Signature, error) {
	if u, err := s.user(who); err == nil {
		return gitmem.Signature{Name: u.Name, Email: u.Email, When: when}, nil
	}
	address, err := mail.ParseAddress(who)
	if err != nil || address.Name == "" {
		return gitmem.Signature{}, fault.New(fault.Invalid, "%q is neither a user nor \"Name <email>\"", who)
	}
	return gitmem.Signature{Name: address.Name, Email: address.Address, When: when}, nil
}

// moveBranch points a branch to a commit and does what a push brings about.
func (s *State) moveBranch(r *repo, branch, to string, by *User) {
	before, existed := r.heads[branch]
	if before == to {
		return
	}
	if !existed {
		before = noCommit
	}
	r.heads[branch] = to
	s.emitPush(r, push{
		branch: branch, before: before, after: to, by: by,
		forced: existed && !r.git.IsAncestor(before, to),
	})
	s.requestSuite(r, to, branch, by)
	for _, p := range s.openFrom(r, branch) {
		s.synchronize(p, to, by)
	}
	s.mergedByPush(r, branch, by)
}

// openFrom lists the open pull requests whose head is that branch.
func (s *State) openFrom(r *repo, branch string) []*pull {
	var open []*pull
	for _, base := range s.repoOrder {
		for _, p := range base.pulls {
			if p.State == "open" && p.head == r && p.Head.Ref == branch {
				open = append(open, p)
			}
		}
	}
	return open
}

func (s *State) synchronize(p *pull, to string, by *User) {
	before := p.Head.SHA
	p.Head.SHA, p.Base.SHA, p.UpdatedAt = to, p.base.heads[p.Base.Ref], s.now()
	s.emitPull("synchronize", p, by, object{"before": before, "after": to})
	if p.head != p.base {
		s.requestSuite(p.base, to, "", by)
	}
}

// mergedByPush marks pull requests whose commits a push brought to their base.
func (s *State) mergedByPush(r *repo, branch string, by *User) {
	line := r.git.FirstParents(r.heads[branch])
	slices.Reverse(line)
	for _, p := range r.pulls {
		if p.State != "open" || p.Base.Ref != branch || r.git.IsAncestor(p.Head.SHA, p.Base.SHA) ||
			!r.git.IsAncestor(p.Head.SHA, r.heads[branch]) {
			continue
		}
		at := slices.IndexFunc(line, func(c gitmem.Commit) bool { return r.git.IsAncestor(p.Head.SHA, c.Hash) })
		s.markMerged(p, by, []string{line[at].Hash})
	}
}

// branches lists a repository's branches by name.
func (r *repo) branches() []string { return slices.Sorted(maps.Keys(r.heads)) }

// branchesAt lists the branches that point to a commit.
func (r *repo) branchesAt(sha string) []string {
	return slices.DeleteFunc(r.branches(), func(b string) bool { return r.heads[b] != sha })
}

// firstLine is a commit message's subject.
func firstLine(message string) string {
	subject, _, _ := strings.Cut(message, "\n")
	return subject
}
