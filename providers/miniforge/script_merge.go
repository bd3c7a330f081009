package miniforge

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// Merge merges a pull request and returns the newest commit on the base branch.
// While branch protection forbids it the error says why.
func (f *Forge) Merge(repo string, number int, o MergeOptions) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		p, by, err := s.pullAndUser(repo, number, o.By)
		if err != nil {
			return "", err
		}
		return s.merge(p, by, o)
	})
}

func (s *State) merge(p *pull, by *User, o MergeOptions) (string, error) {
	reason := p.blocked()
	if o.Bypass && p.State == "open" && !p.Draft && len(p.conflicts()) == 0 {
		reason = ""
	}
	if reason != "" {
		return "", fault.New(fault.Conflict, "%s#%d can't be merged: %s", p.base.fullName(), p.Number, reason)
	}
	landed, err := s.land(p, by, o.Method)
	if err != nil {
		return "", err
	}
	tip := landed[len(landed)-1]
	p.Base.SHA = p.base.heads[p.Base.Ref]
	s.markMerged(p, by, landed)
	s.moveBranch(p.base, p.Base.Ref, tip, by)
	return tip, nil
}

// land makes the commits a merge adds to the base branch, oldest first.
func (s *State) land(p *pull, by *User, method MergeMethod) ([]string, error) {
	switch method {
	case MergeCommit, "":
		return []string{s.mergeCommit(p, p.baseTip(), by)}, nil
	case Squash:
		return []string{s.squash(p)}, nil
	case Rebase:
		return s.rebase(p, by)
	}
	return nil, fault.New(fault.Invalid, "no merge method is called %q", method)
}

// webFlow signs what is committed by a button on the page.
func (s *State) webFlow() gitmem.Signature {
	u := s.users["web-flow"]
	return gitmem.Signature{Name: u.Name, Email: u.Email, When: s.now()}
}

func (s *State) signatureOf(u *User) gitmem.Signature {
	return gitmem.Signature{Name: u.Name, Email: u.Email, When: s.now()}
}

func (s *State) mergeCommit(p *pull, tip string, by *User) string {
	git := p.base.git
	from, _ := git.Commit(git.MergeBase(tip, p.Head.SHA))
	ours, _ := git.Commit(tip)
	theirs, _ := git.Commit(p.Head.SHA)
	tree, _ := git.Merge(from.Tree, ours.Tree, theirs.Tree)
	return git.WriteCommit(gitmem.Commit{
		Tree: tree, Parents: []string{tip, p.Head.SHA}, Author: s.signatureOf(by), Committer: s.webFlow(),
		Message: fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.Number, p.head.owner.Login, p.Head.Ref, p.Title),
	})
}

func (s *State) squash(p *pull) string {
	author := s.signatureOf(s.users[strings.ToLower(p.Author)])
	var list, trailers strings.Builder
	named := map[string]bool{author.Email: true}
	for _, c := range p.commits() {
		fmt.Fprintf(&list, "* %s\n\n", strings.TrimSpace(c.Message))
		if !named[c.Author.Email] {
			named[c.Author.Email] = true
			fmt.Fprintf(&trailers, "Co-authored-by: %s <%s>\n", c.Author.Name, c.Author.Email)
		}
	}
	message := fmt.Sprintf("%s (#%d)\n\n%s%s", p.Title, p.Number, list.String(), trailers.String())
	tree, _ := p.merged()
	return p.base.git.WriteCommit(gitmem.Commit{
		Tree: tree, Parents: []string{p.baseTip()}, Author: author, Committer: s.webFlow(),
		Message: strings.TrimRight(message, "\n"),
	})
}

// rebase makes the pull request's commits anew on top of the base.
func (s *State) rebase(p *pull, by *User) ([]string, error) {
	git := p.base.git
	tip := p.baseTip()
	var landed []string
	for _, c := range p.commits() {
		if len(c.Parents) != 1 {
			return nil, fault.New(fault.Conflict, "%s can't be rebased: it is a merge", c.Hash[:7])
		}
		parent, _ := git.Commit(c.Parents[0])
		onto, _ := git.Commit(tip)
		tree, conflicts := git.Merge(parent.Tree, onto.Tree, c.Tree)
		if len(conflicts) > 0 {
			return nil, fault.New(fault.Conflict, "%s conflicts in %s", c.Hash[:7], strings.Join(conflicts, ", "))
		}
		tip = git.WriteCommit(gitmem.Commit{
			Tree: tree, Parents: []string{tip}, Author: c.Author, Committer: s.signatureOf(by), Message: c.Message,
		})
		landed = append(landed, tip)
	}
	return landed, nil
}

func (s *State) markMerged(p *pull, by *User, landed []string) {
	p.State, p.Merged, p.MergedBy, p.Queued = "closed", true, by.Login, ""
	p.landed, p.MergeSHA = landed, landed[len(landed)-1]
	p.ClosedAt, p.UpdatedAt = s.now(), s.now()
	s.emitPull("closed", p, by, nil)
}
