package miniforge

import (
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// OpenPR opens a pull request and returns its number.
func (f *Forge) OpenPR(n NewPR) (int, error) {
	return changeFor(f, func(s *State) (int, error) {
		r, author, err := s.repoAndUser(n.Repo, n.Author)
		if err != nil {
			return 0, err
		}
		head, ref, err := s.headOf(r, n.Head)
		if err != nil {
			return 0, err
		}
		base := n.Base
		if base == "" {
			base = r.main
		}
		if _, ok := r.heads[base]; !ok {
			return 0, fault.New(fault.NotFound, "%s has no branch %q", n.Repo, base)
		}
		p := s.newPull(r, author, n)
		p.head, p.Head = head, Branch{Ref: ref, SHA: head.heads[ref]}
		p.Base = Branch{Ref: base, SHA: r.heads[base]}
		if len(p.commits()) == 0 {
			return 0, fault.New(fault.Invalid, "no commits between %s and %s", base, n.Head)
		}
		r.pulls = append(r.pulls, p)
		s.emitPull("opened", p, author, nil)
		if head != r {
			s.requestSuite(r, p.Head.SHA, "", author)
		}
		return p.Number, nil
	})
}

func (s *State) newPull(r *repo, author *User, n NewPR) *pull {
	r.lastNumber++
	now := s.now()
	return &pull{base: r, PullRequest: PullRequest{
		Number: r.lastNumber, ID: s.newID(), Title: n.Title, Body: n.Body, Author: author.Login,
		State: "open", Draft: n.Draft, Labels: slices.Clone(n.Labels), CreatedAt: now, UpdatedAt: now,
	}}
}

// headOf finds "branch" in r, or "owner:branch" in that owner's fork of it.
func (s *State) headOf(r *repo, head string) (*repo, string, error) {
	owner, branch, ofFork := strings.Cut(head, ":")
	if !ofFork {
		branch = head
	} else if !strings.EqualFold(owner, r.owner.Login) {
		i := slices.IndexFunc(s.repoOrder, func(f *repo) bool {
			return f.git == r.git && strings.EqualFold(f.owner.Login, owner)
		})
		if i < 0 {
			return nil, "", fault.New(fault.NotFound, "%s has no fork of %s", owner, r.fullName())
		}
		r = s.repoOrder[i]
	}
	if _, ok := r.heads[branch]; !ok {
		return nil, "", fault.New(fault.NotFound, "%s has no branch %q", r.fullName(), branch)
	}
	return r, branch, nil
}

// EditPR changes a pull request's title, body, base or draft state.
func (f *Forge) EditPR(repo string, number int, e Edit) error {
	return f.change(func(s *State) error {
		p, by, err := s.pullAndUser(repo, number, e.By)
		if err != nil {
			return err
		}
		if e.Base != nil && p.base.heads[*e.Base] == "" {
			return fault.New(fault.NotFound, "%s has no branch %q", repo, *e.Base)
		}
		p.UpdatedAt = s.now()
		s.edit(p, e, by)
		return nil
	})
}

func (s *State) edit(p *pull, e Edit, by *User) {
	changes := object{}
	if e.Title != nil && *e.Title != p.Title {
		changes["title"], p.Title = object{"from": p.Title}, *e.Title
	}
	if e.Body != nil && *e.Body != p.Body {
		changes["body"], p.Body = object{"from": p.Body}, *e.Body
	}
	if e.Base != nil && *e.Base != p.Base.Ref {
		changes["base"] = object{"ref": object{"from": p.Base.Ref}, "sha": object{"from": p.Base.SHA}}
		p.Base = Branch{Ref: *e.Base, SHA: p.base.heads[*e.Base]}
	}
	if len(changes) > 0 {
		s.emitPull("edited", p, by, object{"changes": changes})
	}
	if e.Draft != nil && *e.Draft != p.Draft {
		p.Draft = *e.Draft
		action := "ready_for_review"
		if p.Draft {
			action = "converted_to_draft"
		}
		s.emitPull(action, p, by, nil)
	}
}

// ClosePR closes a pull request without merging it.
func (f *Forge) ClosePR(repo string, number int, by string) error {
	return f.change(func(s *State) error {
		p, u, err := s.pullAndUser(repo, number, by)
		if err != nil {
			return err
		}
		if p.State != "open" {
			return fault.New(fault.Conflict, "%s#%d is not open", repo, number)
		}
		s.closePull(p, u)
		return nil
	})
}

func (s *State) closePull(p *pull, by *User) {
	p.Base.SHA = p.base.heads[p.Base.Ref]
	p.State, p.ClosedAt, p.UpdatedAt = "closed", s.now(), s.now()
	s.emitPull("closed", p, by, nil)
}

// ReopenPR opens a closed pull request again.
func (f *Forge) ReopenPR(repo string, number int, by string) error {
	return f.change(func(s *State) error {
		p, u, err := s.pullAndUser(repo, number, by)
		if err != nil {
			return err
		}
		head, there := p.head.heads[p.Head.Ref]
		if p.State != "closed" || p.Merged || !there {
			return fault.New(fault.Conflict, "%s#%d can't be reopened", repo, number)
		}
		p.Head.SHA, p.Base.SHA = head, p.base.heads[p.Base.Ref]
		p.State, p.ClosedAt = "open", time.Time{}
		p.UpdatedAt = s.now()
		s.emitPull("reopened", p, u, nil)
		return nil
	})
}

// baseTip is the commit the pull request is compared to: the base branch's head
// while it is open, and what that was when it was closed.
func (p *pull) baseTip() string {
	if p.State == "open" {
		return p.base.heads[p.Base.Ref]
	}
	return p.Base.SHA
}

// commits lists the head's commits that the base lacks, oldest first.
func (p *pull) commits() []gitmem.Commit {
	log := p.base.git.Log(p.Head.SHA, p.baseTip())
	slices.Reverse(log)
	return log
}

// files is the pull request's diff against its merge base.
func (p *pull) files() []gitmem.FileDiff {
	git := p.base.git
	from, _ := git.Commit(git.MergeBase(p.baseTip(), p.Head.SHA))
	to, _ := git.Commit(p.Head.SHA)
	return git.Diff(from.Tree, to.Tree)
}

// merged is the tree of a merge into the base, or the conflicting paths.
func (p *pull) merged() (tree string, conflicts []string) {
	git := p.base.git
	tip := p.baseTip()
	from, _ := git.Commit(git.MergeBase(tip, p.Head.SHA))
	ours, _ := git.Commit(tip)
	theirs, _ := git.Commit(p.Head.SHA)
	return git.Merge(from.Tree, ours.Tree, theirs.Tree)
}

func (p *pull) conflicts() []string {
	_, conflicts := p.merged()
	return conflicts
}

// blocked says why the merge button is disabled, "" when it isn't.
func (p *pull) blocked() string {
	switch {
	case p.Merged:
		return "merged already"
	case p.State != "open":
		return "the pull request is closed"
	case p.Draft:
		return "the pull request is a draft"
	}
	if conflicts := p.conflicts(); len(conflicts) > 0 {
		return "conflicts with " + p.Base.Ref + " in " + strings.Join(conflicts, ", ")
	}
	return p.base.missingCheck(p.Base.Ref, p.Head.SHA)
}

// missingCheck says which required check of a branch lacks for a commit.
func (r *repo) missingCheck(branch, sha string) string {
	for _, name := range r.required[branch] {
		newest := r.newestRun(sha, name)
		switch {
		case newest == nil:
			return "required check " + name + ": expected, waiting for its status"
		case newest.Status != "completed":
			return "required check " + name + ": " + strings.ReplaceAll(newest.Status, "_", " ")
		case !passes(newest.Conclusion):
			return "required check " + name + ": " + strings.ReplaceAll(newest.Conclusion, "_", " ")
		}
	}
	return ""
}

// passes says whether a conclusion satisfies branch protection.
func passes(conclusion string) bool {
	return conclusion == "success" || conclusion == "neutral" || conclusion == "skipped"
}

func (r *repo) newestRun(sha, name string) *run {
	for _, c := range slices.Backward(r.runs) {
		if c.SHA == sha && c.Name == name {
			return c
		}
	}
	return nil
}
