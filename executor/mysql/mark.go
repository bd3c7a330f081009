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
	return s.record(ctx, func() error {
		for _, x := range m.Migrations {
			if _, err := s.do(ctx, "DELETE FROM shipsql_migrations"+ofKey+" AND state = 'undone'", s.keyOf(x).and()...); err != nil {
				return err
			}
			err := s.insertRow(ctx, x, rowOf{key: s.keyOf(x), state: state, release: m.Release, actor: m.Actor, tool: m.ToolVersion, note: note})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// AddNote implements runner.Session.
func (s *session) AddNote(ctx context.Context, r *ledger.Row, note string) error {
	return s.record(ctx, func() error { return s.addNote(ctx, r, note) })
}

func (s *session) addNote(ctx context.Context, r *ledger.Row, note string) error {
	k := key{ledger.History(s.run.History), r.Kind, r.Version}
	_, err := s.do(ctx, "UPDATE shipsql_migrations SET note = CONCAT_WS('\n', NULLIF(note, ''), ?)"+ofKey, append([]any{note}, k.and()...)...)
	return err
}

// Resolve implements runner.Session. The steps of one transaction, should a part
// of it have been committed, are settled together.
func (s *session) Resolve(ctx context.Context, l ledger.Ledger, r executor.Resolution, m executor.Mark) error {
	row := l.Find(r.Version)
	k := key{ledger.History(s.run.History), row.Kind, row.Version}
	steps := k
	if row.UndoSteps != nil {
		steps.kind = ledger.UndoStep
	}
	settle := "UPDATE shipsql_steps SET state = 'done'"
	if r.Answer == executor.ResolvedRetry {
		settle = "DELETE FROM shipsql_steps"
	}
	return s.record(ctx, func() error {
		if _, err := s.do(ctx, settle+ofKey+" AND (n = ? OR state = 'running')", steps.and(r.N)...); err != nil {
			return err
		}
		if _, err := s.do(ctx, "UPDATE shipsql_migrations SET state = 'partial'"+ofKey, k.and()...); err != nil {
			return err
		}
		if row.UndoSteps != nil {
			if _, err := s.restoreUndone(ctx, k); err != nil {
				return err
			}
		}
		return s.addNote(ctx, row, ledger.MarkNote(fmt.Sprintf("#%d resolved as %s", r.N, r.Answer), m))
	})
}

// restoreUndone gives a row the state from before its undo, if no step of that is
// left, and says whether it did. What ran here has an end, what is a baseline has
// none.
func (s *session) restoreUndone(ctx context.Context, k key) (restored bool, err error) {
	n, err := s.do(ctx, "UPDATE shipsql_migrations SET state = CASE WHEN finished_at IS NULL THEN 'baseline' ELSE 'applied' END"+ofKey+withoutSteps,
		append(k.and(), k.history, ledger.UndoStep, k.version)...)
	return n > 0, err
}
