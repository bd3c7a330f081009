package miniforge

import (
	"fmt"

	"github.com/shipsql/shipsql/internal/fault"
)

// Enqueue puts a pull request into the merge queue and returns the head of its
// merge group. The required checks' conclusions on that commit end it: all
// passed, and the base branch moves to the group's head; one failed, and the
// pull request leaves the queue. The queue takes one pull request at a time.
func (f *Forge) Enqueue(repo string, number int, by string) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		p, u, err := s.pullAndUser(repo, number, by)
		if err != nil {
			return "", err
		}
		if reason := p.blocked(); reason != "" {
			return "", fault.New(fault.Conflict, "%s#%d can't be queued: %s", repo, number, reason)
		}
		if len(p.base.required[p.Base.Ref]) == 0 || p.base.group != nil {
			return "", fault.New(fault.Conflict, "the queue needs a required check on %s and one pull request at a time", p.Base.Ref)
		}
		tip := p.baseTip()
		g := &mergeGroup{
			pull: p, by: u, base: tip, head: s.mergeCommit(p, tip, u),
			ref: fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", p.Base.Ref, p.Number, tip),
		}
		p.base.group, p.Queued = g, g.head
		s.moveBranch(p.base, g.ref, g.head, u)
		s.emitMergeGroup("checks_requested", g, nil)
		return g.head, nil
	})
}

// settleQueue ends the merge group if its required checks have concluded.
func (s *State) settleQueue(r *repo) {
	g := r.group
	if g == nil {
		return
	}
	branch := g.pull.Base.Ref
	switch {
	case r.missingCheck(branch, g.head) == "" && r.heads[branch] == g.base:
		s.leaveQueue(r, "merged")
		g.pull.Base.SHA = g.base
		s.markMerged(g.pull, g.by, []string{g.head})
		s.moveBranch(r, branch, g.head, g.by)
	case s.failed(r, branch, g.head) || r.heads[branch] != g.base:
		s.leaveQueue(r, "invalidated")
	}
}

func (s *State) failed(r *repo, branch, sha string) bool {
	for _, name := range r.required[branch] {
		newest := r.newestRun(sha, name)
		if newest != nil && newest.Status == "completed" && !passes(newest.Conclusion) {
			return true
		}
	}
	return false
}

func (s *State) leaveQueue(r *repo, reason string) {
	g := r.group
	r.group, g.pull.Queued = nil, ""
	s.emitMergeGroup("destroyed", g, object{"reason": reason})
	delete(r.heads, g.ref)
	s.emitPush(r, push{branch: g.ref, before: g.head, after: noCommit, by: g.by})
}
