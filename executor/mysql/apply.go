package mysql

import (
	"context"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// Apply implements executor.Target.
func (t *target) Apply(ctx context.Context, run executor.Run) (executor.Result, error) {
	return runner.Apply(ctx, run, t.sessions())
}

// Undo implements executor.Target.
func (t *target) Undo(ctx context.Context, run executor.Run) (executor.Result, error) {
	return runner.Undo(ctx, run, t.sessions())
}

// sessions implements runner.Open for one run. All its sessions are on one
// server: after a failover the other one may lack what was just done.
func (t *target) sessions() runner.Open {
	first := ""
	return func(ctx context.Context, run executor.Run) (runner.Session, error) {
		s, err := t.open(ctx, run)
		if err != nil {
			return nil, err
		}
		if now := s.facts.identity(); first == "" {
			first = now
		} else if now != first {
			s.Close(ctx)
			return nil, fault.New(fault.Conflict, "the database moved to another server during the run").At(s.at).
				Then("when the failover is over, run again: the ledger there says what is done there")
		}
		return s, nil
	}
}

// Ledger implements runner.Session.
func (s *session) Ledger(ctx context.Context, history string) (ledger.Ledger, error) {
	l, err := s.readLedger(ctx, history)
	return l, s.explained(err)
}

// Empty implements runner.Session: there are no tables, views, sequences and
// routines.
func (s *session) Empty(ctx context.Context) (empty bool, err error) {
	err = s.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
			AND TABLE_NAME NOT IN ('shipsql_meta', 'shipsql_migrations', 'shipsql_steps'))
		AND NOT EXISTS (SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE())`).Scan(&empty)
	return empty, s.explained(err)
}

// Compile implements runner.Session.
func (s *session) Compile(ctx context.Context, decisions []ledger.Decision) ([]runner.File, error) {
	var err error
	if s.stored, err = s.storedFunctions(ctx); err != nil {
		return nil, s.explained(err)
	}
	c := compiler{flavour: s.facts.flavour(), database: s.database, online: s.run.Limits.Online == onlineAssert, stored: s.stored}
	files := make([]runner.File, len(decisions))
	var before *file
	for i, d := range decisions {
		p := plan{Decision: d}
		if d.Verdict == ledger.Apply || d.Verdict == ledger.Undo {
			if p, err = c.compile(d); err != nil {
				return nil, err
			}
		}
		f := &file{session: s, plan: &p}
		if before != nil {
			before.after = f
		}
		files[i], before = f, f
	}
	return files, nil
}

// storedFunctions are the names of what people made; a file adds its own.
func (s *session) storedFunctions(ctx context.Context) (map[string]bool, error) {
	stored := map[string]bool{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		stored[strings.ToLower(name)] = true
		return err
	}, "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA <> 'sys'")
	return stored, err
}

// makes adds the functions that a statement makes to those that people made.
func (c compiler) makes(s syntax.Statement) {
	for _, o := range s.Objects {
		if o.Kind == syntax.Function && o.Use == syntax.Creates {
			c.stored[strings.ToLower(o.Name.Name)] = true
		}
	}
}

// Decision implements runner.File.
func (f *file) Decision() *ledger.Decision { return &f.plan.Decision }

// Total implements runner.File.
func (f *file) Total() int { return f.total }

// Notes implements runner.File.
func (f *file) Notes() []string { return f.notes }
