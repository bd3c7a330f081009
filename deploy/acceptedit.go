package deploy

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/plural"
	"github.com/shipsql/shipsql/store"
)

// AcceptEdit lets a changed text of a released migration count: it applies where
// no ledger holds the version, and what stands elsewhere stays, with a note. On
// an open pull request (no release yet) it is kept for the merge of exactly that
// text. It takes an approver of the last environment that has approvers.
func (s *Service) AcceptEdit(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.acceptEdit(ctx, c)
	return s.say(ctx, c, VerbAcceptEdit, answer, refused)
}

func (s *Service) acceptEdit(ctx context.Context, c Command) (Answer, *Refused) {
	if c.Reason == "" {
		return Answer{}, needsReason(VerbAcceptEdit, c.File)
	}
	found, err := s.candidates(ctx, c)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	if len(found) == 0 && c.PullRequest != 0 && c.Release == "" {
		return s.acceptBeforeMerge(ctx, c)
	}
	t, refused := s.resolve(ctx, c, VerbAcceptEdit)
	if refused != nil {
		return Answer{}, refused
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	problems, release, refused := editProblems(c, facts)
	if refused != nil {
		return Answer{}, refused
	}
	if refused := s.mayAccept(ctx, c, t.project, release); refused != nil {
		return Answer{}, refused
	}
	edits := make([]acceptedEdit, len(problems))
	for i, p := range problems {
		edits[i].Edit = Edit{
			Path: p.Path, Version: p.Version, Before: p.Before, After: p.After, Actor: c.Actor.Name(), Reason: c.Reason, At: s.db.Now(),
		}
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		for _, e := range edits {
			if refused := s.recordAccept(ctx, tx, c, t.project, e, release); refused != nil {
				return refused
			}
		}
		return nil
	})
	if refused != nil {
		return Answer{}, refused
	}
	answer := s.answer(VerbAcceptEdit, t, "", []Release{release}, decision)
	answer.Edit = &edits[len(edits)-1].Edit
	return answer, nil
}

// mayAccept: the approvers of the most guarded environment decide about texts.
func (s *Service) mayAccept(ctx context.Context, c Command, p Project, r Release) *Refused {
	road := s.topology.roads[p.ID()]
	env := road[len(road)-1]
	for _, e := range road {
		if e.Gated() {
			env = e
		}
	}
	if say := s.mayAnswer(ctx, p, r, env, c.Actor); !say.OK {
		return denied(say, env.Approvers())
	}
	return nil
}

// editProblems finds the open problems about a file that accept-edit can answer,
// of the latest release that has some: one for each migration of the file.
func editProblems(c Command, facts Facts) ([]Problem, Release, *Refused) {
	var problems []Problem
	var release Release
	var next []Next
	paths := map[string]bool{}
	for _, l := range facts.Line {
		for _, p := range l.Release.Problems {
			if p.Answer != nil || !p.Changed || p.Code == ProblemUnreadable {
				continue
			}
			next = append(next, Next{Verb: VerbAcceptEdit, Args: []string{p.Path, ReasonWord}})
			if p.Path == c.File || path.Base(p.Path) == c.File {
				if release.ID != l.Release.ID {
					problems, release = nil, l.Release
				}
				problems = append(problems, p)
				paths[p.Path] = true
			}
		}
	}
	switch len(paths) {
	case 0:
		return problems, release, refuse(fault.NotFound, Reason{Code: CommandUnknown, Next: next,
			Text: fmt.Sprintf("no edit of %q waits for a decision", c.File)})
	case 1:
		return problems, release, nil
	}
	return problems, release, refuse(fault.Conflict, Reason{Code: CommandChoose, Text: "several edited files have that name", Next: next})
}

// recordAccept carries a merged edit out and ends every problem about the file.
func (s *Service) recordAccept(ctx context.Context, tx *store.Tx, c Command, p Project, e acceptedEdit, by Release) *Refused {
	before, err := loadPast(ctx, tx, p.ID(), 0)
	if err != nil {
		return internalRefusal(err)
	}
	if owner, ok := before.byVersion(e.Version); ok {
		e.owner = &owner
	}
	if e.After != "" {
		if e.text, err = s.editedText(ctx, tx, p, by.ID, e.Edit); err != nil {
			return internalRefusal(err)
		}
	}
	if err := s.applyEdit(ctx, tx, p, e, by); err != nil {
		return internalRefusal(err)
	}
	answer := Answered{By: c.Actor.Name(), Verb: VerbAcceptEdit, Reason: c.Reason}
	if err := answerProblems(ctx, tx, p.ID(), e.Path, answer); err != nil {
		return internalRefusal(err)
	}
	return noteRefusal(audit(ctx, tx, note{action: VerbAcceptEdit, project: p.ID(), release: by.ID, actor: c.Actor,
		data: map[string]string{"path": e.Path, "before": e.Before, "after": e.After, "reason": c.Reason, "source": c.Source}}))
}

// editedText reads an edited migration as the release's merge commit has it.
func (s *Service) editedText(ctx context.Context, q store.Queryer, p Project, release string, e Edit) (Migration, error) {
	releases, err := loadReleases(ctx, q, onlyRelease(release))
	if err != nil {
		return Migration{}, err
	}
	at := s.bookOf(p, releases[0])
	if at.folder, err = loadFolder(ctx, q, releases[0].folder); err != nil {
		return Migration{}, err
	}
	i := slices.IndexFunc(at.folder, func(f folderFile) bool { return f.Path == e.Path })
	if i < 0 {
		return Migration{}, fault.New(fault.Internal, "the folder has no such file").At(e.Path)
	}
	read, err := at.read(ctx, q, []Migration{{Path: e.Path, Blob: at.folder[i].Blob, Version: e.Version}})
	if err != nil {
		return Migration{}, fault.New(fault.Internal, "the edited file can't be read").At(e.Path).Because(err)
	}
	return stored(read[0], at.folder[i].Blob), nil
}

// acceptBeforeMerge keeps an edit for the merge of the pull request it is on.
func (s *Service) acceptBeforeMerge(ctx context.Context, c Command) (Answer, *Refused) {
	p, refused := s.projectOf(c)
	if refused != nil {
		return Answer{}, refused
	}
	version := ""
	if m, ok := s.cfg.Layout(p).Identify(c.File); ok {
		version = nameOf(m)
	} else if !layout.IsSQL(c.File) {
		return Answer{}, refuse(fault.Invalid, Reason{Code: CommandInvalid, Text: c.File + " is not the path of a migration"})
	}
	if refused := s.mayAccept(ctx, c, p, Release{Project: p.ID(), PullRequest: c.PullRequest}); refused != nil {
		return Answer{}, refused
	}
	e := Edit{Project: p.ID(), Path: c.File, Version: version, After: c.Checksum, PullRequest: c.PullRequest,
		Actor: c.Actor.Name(), Reason: c.Reason, At: s.db.Now()}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		before, err := loadPast(ctx, tx, p.ID(), 0)
		if err != nil {
			return err
		}
		if owner, ok := before.byPath(c.File); ok {
			e.Before = before.current(owner)
		}
		if err := s.insertEdit(ctx, tx, storedEdit{Edit: e}, false); err != nil {
			return err
		}
		return audit(ctx, tx, note{action: VerbAcceptEdit, project: p.ID(), actor: c.Actor, data: map[string]any{
			"path": e.Path, "before": e.Before, "after": e.After, "reason": e.Reason, "pull_request": c.PullRequest, "source": c.Source}})
	})
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	return Answer{Verb: VerbAcceptEdit, Edit: &e}, nil
}

// projectOf finds the project whose path holds the command's file.
func (s *Service) projectOf(c Command) (Project, *Refused) {
	var found []Project
	for _, p := range s.cfg.Projects {
		inPath := c.File == p.Path || strings.HasPrefix(c.File, strings.TrimSuffix(p.Path, "/")+"/") || p.Path == "" || p.Path == "."
		if p.Repository == c.Repository && inPath && (c.Project == "" || c.Project == p.ID()) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return Project{}, refuse(fault.NotFound, Reason{Code: CommandUnknown,
			Text: fmt.Sprintf("%q lies in %s of this repository", c.File, plural.Count(len(found), "project"))})
	}
	return found[0], nil
}
