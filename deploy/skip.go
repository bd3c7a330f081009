package deploy

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// Skip decides that a version won't run in an environment: where it is not
// applied, the next task there marks it skipped in the ledger, and the rest of
// the release and the releases behind it go on.
func (s *Service) Skip(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.skip(ctx, c)
	return s.say(ctx, c, VerbSkip, answer, refused)
}

func (s *Service) skip(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbSkip)
	if refused != nil {
		return Answer{}, refused
	}
	env, refused := s.environment(c, t.project, VerbSkip)
	if refused != nil {
		return Answer{}, refused
	}
	if c.Reason == "" {
		return Answer{}, needsReason(VerbSkip, c.Version, env.Name)
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	found, refused := findMigration(c, t, facts)
	if refused != nil {
		return Answer{}, refused
	}
	if say := s.mayAnswer(ctx, t.project, found.release, env, c.Actor); !say.OK {
		return Answer{}, denied(say, env.Approvers())
	}
	skip := Skip{
		Release: found.release.ID, Version: found.Version, Path: found.Path, Environment: env.Name,
		Actor: c.Actor.Name(), Reason: c.Reason, At: s.db.Now(),
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		return s.recordSkip(ctx, tx, c, t.project, skip)
	})
	if refused != nil {
		return Answer{}, refused
	}
	answer := s.answer(VerbSkip, t, env.Name, []Release{found.release}, decision)
	answer.Skip = &skip
	return answer, nil
}

func needsReason(verb string, args ...string) *Refused {
	return refuse(fault.Invalid, Reason{Code: CommandInvalid, Text: verb + " needs a reason",
		Next: []Next{{Verb: verb, Args: append(args, ReasonWord)}}})
}

// migrationOf is a migration with the release that brought it.
type migrationOf struct {
	Migration

	release Release
}

// findMigration looks for a command's version, or path, in the releases it is
// about, then in the rest of the project's line.
func findMigration(c Command, t target, facts Facts) (migrationOf, *Refused) {
	line := slices.Clone(t.releases)
	for _, l := range facts.Line {
		line = append(line, l.Release)
	}
	var found []migrationOf
	for _, r := range line {
		for _, m := range r.Migrations {
			known := slices.ContainsFunc(found, func(f migrationOf) bool { return f.Path == m.Path && f.Version == m.Version })
			if !m.Withdrawn && m.named(c.Version) && !known {
				found = append(found, migrationOf{m, r})
			}
		}
	}
	switch len(found) {
	case 0:
		return migrationOf{}, refuse(fault.NotFound, Reason{Code: CommandUnknown,
			Text: fmt.Sprintf("no release of this project brings a version %q", c.Version), Next: skippable(c, t)})
	case 1:
		return found[0], nil
	}
	reason := Reason{Code: CommandChoose, Text: fmt.Sprintf("%q matches several files", c.Version)}
	for _, f := range found {
		reason.Next = append(reason.Next, Next{Verb: VerbSkip, Args: []string{f.Path, c.Environment, c.Reason}})
	}
	return migrationOf{}, refuse(fault.Conflict, reason)
}

// named says whether a person's word names the migration: its version, its path
// or its file name.
func (m Migration) named(word string) bool {
	byVersion := m.Version != "" && executor.VersionKey(m.Version) == executor.VersionKey(word)
	return word != "" && (byVersion || m.Path == word || path.Base(m.Path) == word)
}

func skippable(c Command, t target) []Next {
	var next []Next
	for _, r := range t.releases {
		for _, m := range r.Migrations {
			if !m.Withdrawn && m.Version != "" {
				next = append(next, Next{Verb: VerbSkip, Args: []string{m.Version, c.Environment, ReasonWord}})
			}
		}
	}
	return next
}

func (s *Service) recordSkip(ctx context.Context, tx *store.Tx, c Command, p Project, skip Skip) *Refused {
	l, err := loadLine(ctx, tx, onlyRelease(skip.Release))
	if err != nil {
		return internalRefusal(err)
	}
	if refused := skipNow(ctx, tx, l.facts[0], skip); refused != nil {
		return refused
	}
	if err := insertSkip(ctx, tx, p.ID(), skip); err != nil {
		return internalRefusal(err)
	}
	if skip.Version != "" {
		if err := s.reopenFailed(ctx, tx, skip.Release, skip.Version); err != nil {
			return internalRefusal(err)
		}
	}
	return noteRefusal(audit(ctx, tx, note{action: VerbSkip, project: p.ID(), release: skip.Release, environment: skip.Environment,
		actor: c.Actor, data: map[string]string{"version": skip.Version, "path": skip.Path, "reason": skip.Reason, "source": c.Source}}))
}

// skipNow says why a migration can't be skipped at this moment.
func skipNow(ctx context.Context, tx *store.Tx, l LineFacts, skip Skip) *Refused {
	stage, key := l.Stages[skip.Environment], stageKey{skip.Release, skip.Environment}
	if skipped(stage.Skips, skip.Version, skip.Path) {
		return refuse(fault.Conflict, Reason{Code: CommandAlready, Text: skip.Path + " is skipped there already"})
	}
	if stage.State.Passed() {
		return refuse(fault.Conflict, Reason{Code: CommandAlready, Text: fmt.Sprintf("%s has passed %s already", l.Release.Label(), skip.Environment)})
	}
	running, err := loadStageTasks(ctx, tx, key, Running, false, 1)
	if err != nil {
		return internalRefusal(err)
	}
	for _, task := range running {
		return refuse(fault.Conflict, Reason{Code: CommandNotPossible, Database: task.Database,
			Text: "it is running on " + task.Database + " now", Next: []Next{{Verb: VerbCancel, Args: []string{skip.Environment}}}})
	}
	ambiguous, err := loadStageTasks(ctx, tx, key, Ambiguous, false, maxUnsettled)
	if err != nil {
		return internalRefusal(err)
	}
	for _, task := range ambiguous {
		if task.Failure != nil && executor.VersionKey(task.Failure.Version) == executor.VersionKey(skip.Version) {
			reason, _ := task.trouble(skip.Environment)
			reason.Text = "whether it took effect on " + task.Database + " must be settled first"
			return refuse(fault.Conflict, reason)
		}
	}
	return nil
}
