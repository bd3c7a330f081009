package runner

import (
	"context"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

// Baseline does what executor.Target's Baseline promises.
func Baseline(ctx context.Context, m executor.Mark, open Open) error {
	return marking(ctx, m, open, func(s Session) error {
		l, err := s.Ledger(ctx, m.History)
		if err != nil {
			return err
		}
		m.Migrations = spelled(l, m.Migrations)
		return s.Mark(ctx, m, ledger.Baseline, ledger.MarkNote("baseline", m))
	})
}

// spelled gives migrations the versions under which the ledger knows them: a file
// may have been renamed from 1 to 001.
func spelled(l ledger.Ledger, migrations []executor.Migration) []executor.Migration {
	migrations = slices.Clone(migrations)
	for i, m := range migrations {
		if r := l.Of(m); r != nil {
			migrations[i].Version = r.Version
		}
	}
	return migrations
}

// Skip does what executor.Target's Skip promises.
func Skip(ctx context.Context, m executor.Mark, open Open) error {
	return marking(ctx, m, open, func(s Session) error {
		l, err := s.Ledger(ctx, m.History)
		if err != nil {
			return err
		}
		for _, migration := range m.Migrations {
			if err := ledger.Skippable(l.Find(migration.Version), migration.Path); err != nil {
				return err
			}
		}
		m.Migrations = spelled(l, m.Migrations)
		return s.Mark(ctx, m, ledger.Skipped, ledger.SkipNote(m))
	})
}

// Resolve does what executor.Target's Resolve promises.
func Resolve(ctx context.Context, r executor.Resolution, m executor.Mark, open Open) error {
	return marking(ctx, m, open, func(s Session) error {
		l, err := s.Ledger(ctx, m.History)
		if err != nil {
			return err
		}
		if !l.Asks(r) {
			return fault.New(fault.Conflict, "step %s#%d is not ambiguous", r.Version, r.N).Then("see the status of the database")
		}
		return s.Resolve(ctx, l, r, m)
	})
}

// marking opens a session that writes to the ledger only.
func marking(ctx context.Context, m executor.Mark, open Open, write func(Session) error) error {
	s, err := open(ctx, executor.Run{
		History: m.History, Release: m.Release, Actor: m.Actor, ToolVersion: m.ToolVersion, Task: "mark",
		Limits: m.Limits.WithDefaults(),
	})
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	return write(s)
}
