package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// Cancel stops a stage: what runs finishes its file, nothing else starts. Said
// once more while something still runs, in another comment, it is the person's
// word that the running statements be cancelled too. Retry goes on.
func (s *Service) Cancel(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.cancel(ctx, c)
	return s.say(ctx, c, VerbCancel, answer, refused)
}

func (s *Service) cancel(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbCancel)
	if refused != nil {
		return Answer{}, refused
	}
	env, refused := s.environment(c, t.project, VerbCancel)
	if refused != nil {
		return Answer{}, refused
	}
	if say := s.mayOperate(ctx, t.project, t.releases[0], env, c.Actor); !say.OK {
		return Answer{}, denied(say, "anyone who may write to the repository")
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		return s.eachStage(ctx, tx, t, env, func(row storedStage, r Release) (storedStage, *Refused) {
			return cancelStage(ctx, tx, c, row, r)
		})
	})
	if refused != nil {
		return Answer{}, refused
	}
	return s.answer(VerbCancel, t, env.Name, t.releases, decision), nil
}

// cancelStage cancels a stage, or what still runs of one that is cancelled.
func cancelStage(ctx context.Context, tx *store.Tx, c Command, row storedStage, r Release) (storedStage, *Refused) {
	data := map[string]any{"reason": c.Reason, "source": c.Source}
	if row.cancelled == nil {
		row.cancelled = &Cancellation{Actor: c.Actor, Reason: c.Reason, At: tx.Now(), Source: c.Source}
	} else {
		running, err := loadStageTasks(ctx, tx, stageKey{r.ID, row.environment}, Running, false, namedDatabases)
		if err != nil {
			return row, internalRefusal(err)
		}
		if !row.cancelled.confirmedBy(c) || len(running) == 0 {
			return row, refuse(fault.Conflict, Reason{Code: CommandAlready, Text: "it is cancelled already",
				Next: []Next{{Verb: VerbRetry, Args: []string{row.environment}}}})
		}
		confirmed := *row.cancelled
		confirmed.Running = &Confirmation{Actor: c.Actor, At: tx.Now()}
		row.cancelled = &confirmed
		data["running"] = databasesOf(running)
	}
	return row, noteRefusal(audit(ctx, tx, note{action: VerbCancel, project: r.Project, release: r.ID, environment: row.environment,
		actor: c.Actor, data: data}))
}

// confirmedBy says that a command is a person's second word, not the first one
// given again because a process died before it had answered.
func (c Cancellation) confirmedBy(again Command) bool {
	return c.Running == nil && (c.Source == "" || c.Source != again.Source)
}

func databasesOf(tasks []storedTask) []string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.Database
	}
	return names
}

// wishEvery is how often a running task asks whether its statement is to be
// cancelled.
const wishEvery = time.Second

// wish returns a channel that is closed when a person wants the attempt's running
// statement cancelled. It asks until ctx is done; while the store can't be asked
// nobody wants anything.
func (s *Service) wish(ctx context.Context, a *attempt) <-chan struct{} {
	wanted, t := make(chan struct{}), a.storedTask // the attempt goes on to change its own
	go func() {
		tick := time.NewTicker(wishEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if s.wished(ctx, t.stage()) {
				s.deps.Log.Info("A task's statement is cancelled", "task", t.ID, "database", t.Database, "release", t.Release, "environment", t.Environment)
				close(wanted)
				return
			}
		}
	}()
	return wanted
}

func (s *Service) wished(ctx context.Context, key stageKey) bool {
	stages, err := list(ctx, s.db, readStage,
		`SELECT `+stageColumns+` FROM deploy_stages WHERE release = $1 AND environment = $2`, key.release, key.environment)
	return err == nil && len(stages) == 1 && stages[0].cancelled != nil && stages[0].cancelled.Running != nil
}
