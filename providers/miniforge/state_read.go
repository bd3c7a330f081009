package miniforge

import (
	"slices"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// PR returns a pull request.
func (s *State) PR(repo string, number int) (PullRequest, bool) {
	p, err := s.pull(repo, number)
	if err != nil {
		return PullRequest{}, false
	}
	return p.snapshot(), true
}

// Head returns a branch's newest commit, "" when there is no such branch.
func (s *State) Head(repo, branch string) string {
	r, err := s.repo(repo)
	if err != nil {
		return ""
	}
	return r.heads[branch]
}

// File returns a file's content at a commit or branch.
func (s *State) File(repo, ref, path string) (string, bool) {
	r, err := s.repo(repo)
	if err != nil {
		return "", false
	}
	c, ok := r.resolve(ref)
	if !ok {
		return "", false
	}
	entry, ok := r.git.Lookup(c.Tree, path)
	if !ok {
		return "", false
	}
	content, ok := r.git.Blob(entry.Hash)
	return string(content), ok
}

// Deployments returns a repository's deployments, oldest first.
func (s *State) Deployments(repo string) []Deployment {
	r, err := s.repo(repo)
	if err != nil {
		return nil
	}
	return mapEach(r.deployments, (*deployment).snapshot)
}

// ChecksOf returns the check runs of a commit, oldest first.
func (s *State) ChecksOf(repo, sha string) []CheckRun {
	r, err := s.repo(repo)
	if err != nil {
		return nil
	}
	return mapEach(r.runsOf(sha), (*run).snapshot)
}

// Deliveries returns the webhooks so far, oldest first.
func (s *State) Deliveries() []Delivery { return mapEach(s.deliveries, (*delivery).snapshot) }

// Requests returns the API requests so far, oldest first.
func (s *State) Requests() []Request { return slices.Clone(s.requests) }

// PR returns a pull request.
func (f *Forge) PR(repo string, number int) (PullRequest, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.PR(repo, number)
}

// File returns a file's content at a commit or branch.
func (f *Forge) File(repo, ref, path string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.File(repo, ref, path)
}

// Head returns a branch's newest commit, "" when there is no such branch.
func (f *Forge) Head(repo, branch string) string {
	return read(f, func(s *State) string { return s.Head(repo, branch) })
}

// Deployments returns a repository's deployments, oldest first.
func (f *Forge) Deployments(repo string) []Deployment {
	return read(f, func(s *State) []Deployment { return s.Deployments(repo) })
}

// ChecksOf returns the check runs of a commit, oldest first.
func (f *Forge) ChecksOf(repo, sha string) []CheckRun {
	return read(f, func(s *State) []CheckRun { return s.ChecksOf(repo, sha) })
}

// Deliveries returns the webhooks so far, oldest first.
func (f *Forge) Deliveries() []Delivery { return read(f, (*State).Deliveries) }

// Requests returns the API requests so far, oldest first.
func (f *Forge) Requests() []Request { return read(f, (*State).Requests) }

func (p *pull) snapshot() PullRequest {
	c := p.PullRequest
	c.Repo, c.Base.Repo, c.Head.Repo = p.base.fullName(), p.base.fullName(), p.head.fullName()
	c.Labels = slices.Clone(p.Labels)
	c.Mergeable = p.State == "open" && len(p.conflicts()) == 0
	c.Blocked = p.blocked()
	c.Commits = mapEach(p.commits(), func(c gitmem.Commit) string { return c.Hash })
	for _, comment := range p.comments {
		if !comment.deleted {
			c.Comments = append(c.Comments, comment.snapshot())
		}
	}
	c.Reviews = slices.Clone(p.Reviews)
	c.ReviewComments = mapEach(p.inline, func(c *ReviewComment) ReviewComment { return *c })
	c.Checks = mapEach(p.base.runsOf(p.Head.SHA), (*run).snapshot)
	for _, d := range p.base.deployments {
		if d.SHA == p.Head.SHA || (p.MergeSHA != "" && d.SHA == p.MergeSHA) {
			c.Deployments = append(c.Deployments, d.snapshot())
		}
	}
	return c
}

func (c *comment) snapshot() Comment {
	copied := c.Comment
	copied.Reactions = slices.Clone(c.Reactions)
	return copied
}

func (c *run) snapshot() CheckRun {
	copied := c.CheckRun
	copied.Annotations, copied.Actions = slices.Clone(c.Annotations), slices.Clone(c.Actions)
	return copied
}

func (d *deployment) snapshot() Deployment {
	copied := d.Deployment
	copied.Statuses = slices.Clone(d.Statuses)
	return copied
}

// runsOf lists a commit's check runs, oldest first.
func (r *repo) runsOf(sha string) []*run {
	var runs []*run
	for _, c := range r.runs {
		if c.SHA == sha {
			runs = append(runs, c)
		}
	}
	return runs
}

func mapEach[T, R any](items []T, fn func(T) R) []R {
	mapped := make([]R, 0, len(items))
	for _, item := range items {
		mapped = append(mapped, fn(item))
	}
	return mapped
}
