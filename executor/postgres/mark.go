package postgres

import (
	"context"
	"fmt"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
)

// Baseline implements executor.Target.
func (t *target) Baseline(ctx context.Context, m executor.Mark) error {
	return runner.Baseline(ctx, m, t.session)
}

// Skip implements executor.Target.
func (t *target) Skip(ctx context.Context, m executor.Mark) error {
	return runner.Skip(ctx, m, t.session)
}

// Resolve implements executor.Target.
func (t *target) Resolve(ctx context.Context, r executor.Resolution, m executor.Mark) error {
	return runner.Resolve(ctx, r, m, t.session)
}

// Mark implements runner.Session.
func (s *session) Mark(ctx context.Context, m executor.Mark, state, note string) error {
	var writes []statement
	for _, x := range m.Migrations {
		k := ledger.PlaceOf(s.run.History, x)
		writes = append(writes,
			own("DELETE FROM shipsql.migrations WHERE history = $1 AND kind = $2 AND version = $3 AND state = 'undone'", k.History, k.Kind, k.Version),
			own(insertSQL, k.History, k.Kind, k.Version, x.Name, x.Checksum, state, m.Release, m.Actor, m.ToolVersion, note))
	}
	return s.write(ctx, writes...)
}

// AddNote implements runner.Session.
func (s *session) AddNote(ctx context.Context, r *ledger.Row, note string) error {
	return s.write(ctx, s.noted(r, note))
}

func (s *session) noted(r *ledger.Row, note string) statement {
	k := r.Place(s.run.History)
	return own("UPDATE shipsql.migrations SET note = concat_ws(E'\\n', nullif(note, ''), $4::text) WHERE history = $1 AND kind = $2 AND version = $3",
		k.History, k.Kind, k.Version, note)
}

// Resolve implements runner.Session.
func (s *session) Resolve(ctx context.Context, l ledger.Ledger, r executor.Resolution, m executor.Mark) error {
	settle := "UPDATE shipsql.steps SET state = 'done'"
	if r.Answer == executor.ResolvedRetry {
		settle = "DELETE FROM shipsql.steps"
	}
	row := l.Find(r.Version)
	k := row.Place(s.run.History)
	steps := k
	if row.UndoSteps != nil {
		steps.Kind = ledger.UndoStep
	}
	writes := []statement{
		own(settle+" WHERE history = $1 AND kind = $2 AND version = $3 AND n = $4", steps.History, steps.Kind, steps.Version, r.N),
		own("UPDATE shipsql.migrations SET state = 'partial' WHERE history = $1 AND kind = $2 AND version = $3", k.History, k.Kind, k.Version),
	}
	if row.UndoSteps != nil {
		writes = append(writes, restored(k))
	}
	return s.write(ctx, append(writes, s.noted(row, ledger.MarkNote(fmt.Sprintf("#%d resolved as %s", r.N, r.Answer), m)))...)
}

// write commits writes to the ledger, behind the fence.
func (s *session) write(ctx context.Context, writes ...statement) error {
	return file{session: s, program: &program{plain: true}}.record(ctx, writes)
}
