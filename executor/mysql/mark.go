package mysql

import (
	"context"
	"fmt"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
)

// Baseline implements executor.Target.
func (t *target) Baseline(ctx context.Context, m executor.Mark) error {
	return runner.Baseline(ctx, m, t.sessions())
}

// Skip implements executor.Target.
func (t *target) Skip(ctx context.Context, m executor.Mark) error {
	return runner.Skip(ctx, m, t.sessions())
}

// Resolve implements executor.Target.
func (t *target) Resolve(ctx context.Context, r executor.Resolution, m executor.Mark) error {
	return runner.Resolve(ctx, r, m, t.sessions())
}

// Mark implements runner.Session.
func (s *session) Mark(ctx context.Context, m executor.Mark, state, note string) error {
	var writes []executor.Query
	for _, x := range m.Migrations {
		k := key{ledger.PlaceOf(s.run.History, x)}
		writes = append(writes,
			executor.Query{SQL: "DELETE FROM shipsql_migrations" + ofKey + " AND state = 'undone'", Args: k.and()},
			insertRow(x, rowOf{key: k, state: state, release: m.Release, actor: m.Actor, tool: m.ToolVersion, note: note}))
	}
	_, err := s.note(ctx, writes...)
	return err
}

// AddNote implements runner.Session.
func (s *session) AddNote(ctx context.Context, r *ledger.Row, note string) error {
	_, err := s.note(ctx, s.addNote(r, note))
	return err
}

func (s *session) addNote(r *ledger.Row, note string) executor.Query {
	k := key{r.Place(s.run.History)}
	return executor.Query{SQL: "UPDATE shipsql_migrations SET note = CONCAT_WS('\n', NULLIF(note, ''), ?)" + ofKey, Args: append([]any{note}, k.and()...)}
}

// Resolve implements runner.Session. The steps of one transaction, should a part
// of it have been committed, are settled together.
func (s *session) Resolve(ctx context.Context, l ledger.Ledger, r executor.Resolution, m executor.Mark) error {
	row := l.Find(r.Version)
	k := key{row.Place(s.run.History)}
	steps := k
	if row.UndoSteps != nil {
		steps.Kind = ledger.UndoStep
	}
	settle := "UPDATE shipsql_steps SET state = 'done'"
	if r.Answer == executor.ResolvedRetry {
		settle = "DELETE FROM shipsql_steps"
	}
	writes := []executor.Query{
		{SQL: settle + ofKey + " AND (n = ? OR state = 'running')", Args: steps.and(r.N)},
		{SQL: "UPDATE shipsql_migrations SET state = 'partial'" + ofKey, Args: k.and()},
	}
	if row.UndoSteps != nil {
		writes = append(writes, restoreUndone(k))
	}
	writes = append(writes, s.addNote(row, ledger.MarkNote(fmt.Sprintf("#%d resolved as %s", r.N, r.Answer), m)))
	_, err := s.note(ctx, writes...)
	return err
}

// restoreUndone gives a row the state from before its undo, if no step of that is
// left. What ran here has an end, what is a baseline has none.
func restoreUndone(k key) executor.Query {
	return executor.Query{SQL: "UPDATE shipsql_migrations SET state = CASE WHEN finished_at IS NULL THEN 'baseline' ELSE 'applied' END" + ofKey + withoutSteps,
		Args: append(k.and(), k.History, ledger.UndoStep, k.Version)}
}
