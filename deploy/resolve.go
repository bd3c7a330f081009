package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// Resolve states the outcome of an ambiguous step: the task goes on behind it,
// or runs it again.
func (s *Service) Resolve(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.resolveStep(ctx, c)
	return s.say(ctx, c, VerbResolve, answer, refused)
}

func (s *Service) resolveStep(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbResolve)
	if refused != nil {
		return Answer{}, refused
	}
	if c.Outcome != OutcomeApplied && c.Outcome != OutcomeRetry {
		return Answer{}, refuse(fault.Invalid, Reason{Code: CommandInvalid, Text: "say what you found: applied or retry", Next: outcomes(c)})
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	unsettled, err := loadAmbiguous(ctx, s.db, t.project.ID(), c.Database)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	task, release, refused := ambiguousTask(c, facts, unsettled)
	if refused != nil {
		return Answer{}, refused
	}
	env, ok := s.cfg.Environment(task.Environment)
	if !ok {
		return Answer{}, refuse(fault.NotFound, Reason{Code: CommandUnknown, Text: task.Environment + " is not configured any more"})
	}
	if say := s.mayAnswer(ctx, t.project, release, env, c.Actor); !say.OK {
		return Answer{}, denied(say, env.Approvers())
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		return s.recordResolution(ctx, tx, c, task.ID)
	})
	if refused != nil {
		return Answer{}, refused
	}
	answer := s.answer(VerbResolve, t, env.Name, []Release{release}, decision)
	answer.Databases = []string{task.Database}
	return answer, nil
}

// outcomes are the two ways to complete the command.
func outcomes(c Command) []Next {
	var next []Next
	for _, outcome := range []string{OutcomeApplied, OutcomeRetry} {
		c.Outcome = outcome
		next = append(next, Next{Verb: VerbResolve, Args: c.args(VerbResolve)})
	}
	return next
}

// maxUnsettled is how many unproven outcomes are looked through for the one that a
// command means; naming the database finds it among more.
const maxUnsettled = 1000

// loadAmbiguous reads the unfinished releases' tasks whose outcome is unproven, on
// one database or ("") on all.
func loadAmbiguous(ctx context.Context, q store.Queryer, project, database string) ([]storedTask, error) {
	return list(ctx, q, readTask, `SELECT `+taskColumns+` FROM deploy_tasks WHERE state = 'ambiguous' AND ($2 = '' OR database = $2)
		AND release IN (SELECT id FROM deploy_releases WHERE project = $1 AND finished_at = 0) ORDER BY release, database LIMIT $3`,
		project, database, maxUnsettled)
}

// ambiguousTask finds the task whose step a person speaks of.
func ambiguousTask(c Command, facts Facts, unsettled []storedTask) (Task, Release, *Refused) {
	var found []Task
	var next []Next
	for _, t := range unsettled {
		if t.Failure == nil {
			continue
		}
		if r, _ := t.trouble(t.Environment); len(next) < maxTrouble {
			next = append(next, r.Next...)
		}
		if t.is(c) {
			found = append(found, t.Task)
		}
	}
	switch len(found) {
	case 0:
		return Task{}, Release{}, refuse(fault.NotFound, Reason{Code: CommandUnknown,
			Text: fmt.Sprintf("no step %s#%d has an unproven outcome", c.Version, c.Step), Next: next})
	case 1:
		l, _ := facts.release(found[0].Release)
		return found[0], l.Release, nil
	}
	reason := Reason{Code: CommandChoose, Text: "this step's outcome is unproven on several databases"}
	for _, t := range found[:min(len(found), maxTrouble)] {
		reason.Next = append(reason.Next, Next{Verb: VerbResolve, Args: append(c.args(VerbResolve), t.Database)})
	}
	return Task{}, Release{}, refuse(fault.Conflict, reason)
}

func (t Task) is(c Command) bool {
	return executor.VersionKey(t.Failure.Version) == executor.VersionKey(c.Version) && t.Failure.Statement == c.Step &&
		slices.Contains([]string{"", t.Database}, c.Database)
}

func (s *Service) recordResolution(ctx context.Context, tx *store.Tx, c Command, id string) *Refused {
	t, err := loadTask(ctx, tx, id)
	if err != nil {
		return internalRefusal(err)
	}
	if t.State != Ambiguous {
		return refuse(fault.Conflict, Reason{Code: CommandAlready, Text: "somebody settled this a moment ago"})
	}
	r := resolution{
		id: s.ids.At(tx.Now()), task: t.ID, version: t.Failure.Version, step: c.Step, answer: c.Outcome, actor: c.Actor, at: tx.Now(),
	}
	if err := insertResolution(ctx, tx, r); err != nil {
		return internalRefusal(err)
	}
	if err := saveTasks(ctx, tx, t.reopened()); err != nil {
		return internalRefusal(err)
	}
	return noteRefusal(audit(ctx, tx, note{action: VerbResolve, project: t.project, release: t.Release, environment: t.Environment,
		database: t.Database, actor: c.Actor, data: map[string]any{"version": r.version, "step": r.step, "outcome": r.answer, "source": c.Source}}))
}
