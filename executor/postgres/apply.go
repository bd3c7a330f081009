package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

const (
	maxSessions = 4                // of one Apply; each but the first because a connection broke
	reconnect   = 30 * time.Second // how long a broken connection is tried again
)

// Apply implements executor.Target.
func (t *target) Apply(ctx context.Context, run executor.Run) (executor.Result, error) {
	run.Limits = run.Limits.WithDefaults()
	a := &applier{target: t, run: run, reported: map[string]bool{}}
	for n := 1; ; n++ {
		err := a.session(ctx)
		var lost *lostError
		switch {
		case !errors.As(err, &lost):
			return a.result, err
		case n == maxSessions || ctx.Err() != nil:
			return a.result, lost.err
		}
		a.progress(executor.Event{Version: a.inDoubt, State: executor.EventRetrying, Detail: "the connection broke: " + lost.Error()})
		a.until = time.Now().Add(reconnect)
	}
}

// applier is one Apply call, over all the sessions it takes.
type applier struct {
	target   *target
	run      executor.Run
	result   executor.Result
	reported map[string]bool // by executor.VersionKey: in the result already
	inDoubt  string          // the version whose transaction was about to commit
	until    time.Time       // an unreachable database is tried again until then
}

func (a *applier) progress(e executor.Event) {
	if a.run.Progress != nil {
		a.run.Progress(e)
	}
}

// session does what is left to do on one connection.
func (a *applier) session(ctx context.Context) error {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, s.Conn)
	programs, err := a.plan(ctx, s)
	if err != nil {
		return err
	}
	for i := range programs {
		if err := s.stillMine(ctx); err != nil {
			return err
		}
		if err := a.migrate(ctx, s, &programs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) open(ctx context.Context) (*session, error) {
	for attempt := 0; ; attempt++ {
		s, err := a.target.open(ctx, a.run)
		if fault.CodeOf(err) != fault.Unreachable || time.Now().After(a.until) {
			return s, err
		}
		if err := pause(ctx, attempt, time.Second); err != nil {
			return nil, err
		}
	}
}

// plan reads the ledger and says what is to run. A stop comes before anything
// ran.
func (a *applier) plan(ctx context.Context, s *session) ([]program, error) {
	l, err := s.resolved(ctx)
	if err != nil {
		return nil, s.lost(err)
	}
	f := facts{run: a.run, ledger: l}
	if a.run.Folder != nil && len(l) == 0 {
		if f.empty, err = s.isEmpty(ctx); err != nil {
			return nil, s.lost(err)
		}
	}
	decisions, err := decide(f)
	if err != nil {
		return nil, err
	}
	return compiler{a.target.parser, s.version}.compile(ctx, decisions)
}

// resolved reads the ledger after it took the run's answers to ambiguous steps.
// An answer that was taken by an earlier run is no longer asked for.
func (s *session) resolved(ctx context.Context) (ledger, error) {
	l, err := readLedger(ctx, s.Conn, s.run.History)
	if err != nil || len(s.run.Resolve) == 0 {
		return l, err
	}
	for _, r := range s.run.Resolve {
		if !l.asks(r) {
			continue
		}
		if err := s.resolve(ctx, l, r, executor.Mark{Actor: s.run.Actor}); err != nil {
			return nil, err
		}
	}
	return readLedger(ctx, s.Conn, s.run.History)
}

// isEmpty says that the database holds nothing that anybody made: no relations
// and no functions but those of extensions.
func (s *session) isEmpty(ctx context.Context) (empty bool, err error) {
	err = s.QueryRow(ctx, `WITH ours AS (SELECT oid FROM pg_namespace
			WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql') AND nspname !~ '^pg_(toast|temp)')
		SELECT NOT EXISTS (SELECT FROM pg_class c WHERE relnamespace IN (SELECT oid FROM ours)
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
			AND NOT EXISTS (SELECT FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM ours)
				AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))`).Scan(&empty)
	return empty, err
}

// migrate carries one decision out.
func (a *applier) migrate(ctx context.Context, s *session, p *program) error {
	started := time.Now()
	out := executor.Outcome{Version: p.migration.Version, Path: p.migration.Path, Kind: executor.AlreadyApplied}
	switch p.verdict {
	case verdictHave:
		if a.inDoubt == p.migration.Version { // its COMMIT went through
			out.Kind, out.Statements = executor.Applied, p.total
		}
	case verdictAccept:
		if err := s.addNote(ctx, p); err != nil {
			return err
		}
		out.Notes = []string{p.note}
	case verdictSkip:
		mark, _ := find(a.run.Skip, p.migration.Version)
		mark.Migrations = []executor.Migration{p.migration}
		if err := s.mark(ctx, mark, stateSkipped, p.note); err != nil {
			return err
		}
		out.Kind = executor.Skipped
	case verdictGone:
		out.Kind = executor.Skipped
	case verdictApply:
		a.inDoubt = p.migration.Version
		if err := s.file(ctx, p); err != nil {
			return err
		}
		out.Kind, out.Duration, out.Statements, out.Notes = executor.Applied, time.Since(started), p.total, p.notes
	}
	a.report(p, out)
	return nil
}

// report adds an outcome, once over all sessions.
func (a *applier) report(p *program, out executor.Outcome) {
	key := executor.VersionKey(out.Version)
	if a.reported[key] {
		return
	}
	a.reported[key] = true
	a.result.Outcomes = append(a.result.Outcomes, out)
	state := map[executor.OutcomeKind]executor.EventState{executor.Applied: executor.EventApplied, executor.Skipped: executor.EventSkipped}[out.Kind]
	if state != "" && p.verdict != verdictGone {
		a.progress(executor.Event{Version: out.Version, Path: out.Path, Total: p.total, State: state})
	}
}

// file runs a migration, or the rest of it.
func (s *session) file(ctx context.Context, p *program) error {
	work, stop := graceful(ctx, s.run.Limits.Grace)
	defer stop()
	p.lowerOnly(timeouts{s.run.Limits.LockTimeout, s.run.Limits.StatementTimeout})
	f := file{session: s, program: p}
	if p.perStep || p.row != nil {
		return f.steps(ctx, work)
	}
	return f.retried(ctx, func() error { return f.transaction(work) })
}

// graceful returns a context for the database that outlives ctx: by the grace
// time, or for as long as it takes when that is 0.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if grace <= 0 {
		return work, cancel
	}
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(work, func() { timer.Stop() })
	})
	return work, func() { stop(); cancel() }
}
