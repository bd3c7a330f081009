package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// RetryFailed is the word for all failed tasks where retry takes a database.
const RetryFailed = "failed"

// Retry runs failed or cancelled tasks again. Without an environment it finds
// the one where something failed.
func (s *Service) Retry(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.retry(ctx, c)
	return s.say(ctx, c, VerbRetry, answer, refused)
}

func (s *Service) retry(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbRetry)
	if refused != nil {
		return Answer{}, refused
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	if c.Environment == "" {
		if c.Environment, refused = stoppedEnvironment(t, facts); refused != nil {
			return Answer{}, refused
		}
	}
	env, refused := s.environment(c, t.project, VerbRetry)
	if refused != nil {
		return Answer{}, refused
	}
	if say := s.mayOperate(ctx, t.project, t.releases[0], env, c.Actor); !say.OK {
		return Answer{}, denied(say, "anyone who may write to the repository")
	}
	var databases []string
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		var refused *Refused
		databases, refused = s.reopen(ctx, tx, c, t, env)
		return refused
	})
	if refused != nil {
		return Answer{}, refused
	}
	answer := s.answer(VerbRetry, t, env.Name, t.releases, decision)
	answer.Databases = databases
	return answer, nil
}

// stoppedEnvironment is the one environment where something failed or was
// cancelled; several are a choice.
func stoppedEnvironment(t target, facts Facts) (string, *Refused) {
	var stopped []string
	for _, l := range facts.Line {
		if !slices.ContainsFunc(t.releases, func(r Release) bool { return r.ID == l.Release.ID }) {
			continue
		}
		for _, env := range facts.Road {
			stage := l.Stages[env.Name]
			if stage.Cancelled != nil || stage.Tasks.In(Failed, Cancelled) > 0 {
				stopped = append(stopped, env.Name)
			}
		}
	}
	slices.Sort(stopped)
	stopped = slices.Compact(stopped)
	switch len(stopped) {
	case 0:
		return "", refuse(fault.Conflict, Reason{Code: CommandNotPossible, Text: "nothing failed or was cancelled, so there is nothing to retry"})
	case 1:
		return stopped[0], nil
	}
	reason := Reason{Code: CommandChoose, Text: "something failed in " + strings.Join(stopped, " and in ")}
	for _, name := range stopped {
		reason.Next = append(reason.Next, Next{Verb: VerbRetry, Args: []string{name}})
	}
	return "", refuse(fault.Conflict, reason)
}

func retriable(s State) bool { return s == Failed || s == Cancelled }

// namedDatabases is how many databases the audit of one command names.
const namedDatabases = 100

// reopen makes the stopped tasks wait for their gate again and ends a cancel.
func (s *Service) reopen(ctx context.Context, tx *store.Tx, c Command, t target, env Environment) ([]string, *Refused) {
	var databases []string
	resumed := false
	only := c.Database
	if only == RetryFailed {
		only = ""
	}
	refused := s.eachStage(ctx, tx, t, env, func(row storedStage, r Release) (storedStage, *Refused) {
		resumed = resumed || row.cancelled != nil
		row.cancelled = nil
		reopened, err := reopenStopped(ctx, tx, stageKey{r.ID, env.Name}, only)
		if err != nil {
			return row, internalRefusal(err)
		}
		databases = append(databases, reopened...)
		return row, noteRefusal(audit(ctx, tx, note{action: VerbRetry, project: r.Project, release: r.ID, environment: env.Name,
			actor: c.Actor, data: map[string]any{"databases": reopened[:min(len(reopened), namedDatabases)], "count": len(reopened), "source": c.Source}}))
	})
	if refused != nil {
		return nil, refused
	}
	if len(databases) == 0 && !resumed {
		return nil, s.nothingToRetry(ctx, tx, t, env)
	}
	return databases, nil
}

// nothingToRetry says why: an unproven outcome, or nothing wrong at all.
func (s *Service) nothingToRetry(ctx context.Context, tx *store.Tx, t target, env Environment) *Refused {
	reason := Reason{Code: CommandNotPossible, Text: "nothing failed in " + env.Name + ", so there is nothing to retry"}
	for _, r := range t.releases {
		tasks, err := loadStageTasks(ctx, tx, stageKey{r.ID, env.Name}, Ambiguous, false, 1)
		if err != nil {
			return internalRefusal(err)
		}
		for _, task := range tasks {
			reason, _ = task.trouble(env.Name)
			reason.Text = fmt.Sprintf("what happened on %s can't be proven: look there, then say what you found", task.Database)
		}
	}
	return refuse(fault.Conflict, reason)
}
