package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Baseline implements executor.Target.
func (t *target) Baseline(ctx context.Context, m executor.Mark) error {
	return t.marking(ctx, m, func(s *session) error { return s.mark(ctx, m, stateBaseline, markNote("baseline", m)) })
}

// Skip implements executor.Target.
func (t *target) Skip(ctx context.Context, m executor.Mark) error {
	return t.marking(ctx, m, func(s *session) error {
		l, err := readLedger(ctx, s.Conn, m.History)
		if err != nil {
			return s.lost(err)
		}
		for _, migration := range m.Migrations {
			if err := skippable(l.find(migration.Version), migration.Path); err != nil {
				return err
			}
		}
		return s.mark(ctx, m, stateSkipped, skipNote(m))
	})
}

func skippable(r *row, path string) error {
	switch {
	case r == nil || r.State == stateSkipped:
		return nil
	case r.State == statePartial || r.State == stateAmbiguous:
		return partlyApplied(r, path)
	}
	return fault.New(fault.Conflict, "version %s is recorded as %s, so it can't be skipped", r.Version, r.State).At(path).Then("write a new migration that takes it back")
}

// Resolve implements executor.Target.
func (t *target) Resolve(ctx context.Context, r executor.Resolution, m executor.Mark) error {
	return t.marking(ctx, m, func(s *session) error {
		l, err := readLedger(ctx, s.Conn, m.History)
		if err != nil {
			return s.lost(err)
		}
		return s.resolve(ctx, l, r, m)
	})
}

// marking opens a session that writes to the ledger only.
func (t *target) marking(ctx context.Context, m executor.Mark, write func(*session) error) error {
	s, err := t.open(ctx, executor.Run{
		History: m.History, Release: m.Release, Actor: m.Actor, ToolVersion: m.ToolVersion, Task: "mark",
		Limits: m.Limits.WithDefaults(),
	})
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, s.Conn)
	return write(s)
}

// mark records migrations in a state that needs no run. Those the ledger knows
// are left as they are.
func (s *session) mark(ctx context.Context, m executor.Mark, state, note string) error {
	return s.writing(ctx, func(b *pgx.Batch) {
		for _, x := range m.Migrations {
			b.Queue(insertSQL, historyName(m.History), x.Version, x.Name, x.Checksum, state, m.Release, m.Actor, m.ToolVersion, note)
		}
	})
}

// addNote adds to what the ledger says about a migration.
func (s *session) addNote(ctx context.Context, p *program) error {
	return s.writing(ctx, func(b *pgx.Batch) { s.queueNote(b, p.row, p.note) })
}

func (s *session) queueNote(b *pgx.Batch, r *row, note string) {
	b.Queue("UPDATE shipsql.migrations SET note = concat_ws(E'\\n', nullif(note, ''), $3::text) WHERE history = $1 AND kind = 'versioned' AND version = $2",
		historyName(s.run.History), r.Version, note)
}

// asks says that the ledger waits for this answer.
func (l ledger) asks(r executor.Resolution) bool {
	row := l.find(r.Version)
	return row != nil && row.State == stateAmbiguous && row.steps[r.N].State == stepIntent
}

// resolve takes a person's answer about an ambiguous step.
func (s *session) resolve(ctx context.Context, l ledger, r executor.Resolution, m executor.Mark) error {
	if !l.asks(r) {
		return fault.New(fault.Conflict, "step %s#%d is not ambiguous", r.Version, r.N).Then("see the status of the database")
	}
	settle := "UPDATE shipsql.steps SET state = 'done'"
	if r.Answer == executor.ResolvedRetry {
		settle = "DELETE FROM shipsql.steps"
	}
	row := l.find(r.Version)
	return s.writing(ctx, func(b *pgx.Batch) {
		b.Queue(settle+" WHERE history = $1 AND kind = 'versioned' AND version = $2 AND n = $3", historyName(s.run.History), row.Version, r.N)
		b.Queue("UPDATE shipsql.migrations SET state = 'partial' WHERE history = $1 AND kind = 'versioned' AND version = $2", historyName(s.run.History), row.Version)
		s.queueNote(b, row, markNote(fmt.Sprintf("#%d resolved as %s", r.N, r.Answer), m))
	})
}

func markNote(what string, m executor.Mark) string {
	if m.Actor != "" {
		what += " by " + m.Actor
	}
	if m.Reason != "" {
		what += ": " + m.Reason
	}
	return what
}

// writing commits writes to the ledger, behind the fence.
func (s *session) writing(ctx context.Context, write func(*pgx.Batch)) error {
	f := file{session: s, program: &program{plain: true}}
	return f.record(ctx, write)
}
