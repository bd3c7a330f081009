package postgres

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
)

// Apply implements executor.Target.
func (t *target) Apply(ctx context.Context, run executor.Run) (executor.Result, error) {
	return runner.Apply(ctx, run, t.sameServer())
}

// Undo implements executor.Target.
func (t *target) Undo(ctx context.Context, run executor.Run) (executor.Result, error) {
	return runner.Undo(ctx, run, t.sameServer())
}

// session implements runner.Open.
func (t *target) session(ctx context.Context, run executor.Run) (runner.Session, error) {
	return t.open(ctx, run, &home{})
}

// Close implements runner.Session.
func (s *session) Close(ctx context.Context) { closeQuietly(ctx, s.Conn) }

// Ledger implements runner.Session. mint has looked at the ledger's format.
func (s *session) Ledger(ctx context.Context, history string) (ledger.Ledger, error) {
	l, err := readHistory(ctx, s.Conn, history)
	return l, s.lost(err)
}

// Empty implements runner.Session: there are no relations and no functions but
// those of extensions.
func (s *session) Empty(ctx context.Context) (empty bool, err error) {
	err = s.QueryRow(ctx, `WITH ours AS (SELECT oid FROM pg_namespace
			WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql') AND nspname !~ '^pg_(toast|temp)')
		SELECT NOT EXISTS (SELECT FROM pg_class c WHERE relnamespace IN (SELECT oid FROM ours)
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
			AND NOT EXISTS (SELECT FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM ours)
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))`).Scan(&empty)
	return empty, s.lost(err)
}

// Compile implements runner.Session.
func (s *session) Compile(ctx context.Context, decisions []ledger.Decision) ([]runner.File, error) {
	programs, err := compiler{s.parser, s.version}.compile(ctx, decisions)
	if err != nil {
		return nil, err
	}
	files := make([]runner.File, len(programs))
	for i := range programs {
		files[i] = file{session: s, program: &programs[i]}
	}
	return files, nil
}

// Decision implements runner.File.
func (f file) Decision() *ledger.Decision { return &f.program.Decision }

// Total implements runner.File.
func (f file) Total() int { return f.total }

// Notes implements runner.File.
func (f file) Notes() []string { return f.notes }

// Run implements runner.File.
func (f file) Run(ctx, work context.Context) error {
	if err := f.accompany(work); err != nil {
		return err
	}
	limits, notes := f.limits.Within(runner.TimeoutsOf(f.run))
	f.limits, f.notes = limits, append(f.notes, notes...)
	if f.begun() || f.perStep && len(f.statements) > 0 {
		return f.steps(ctx, work)
	}
	return runner.Retry(ctx, f.run, f, func() error { return f.transaction(work) })
}
