package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// engine is an executor.Engine whose databases live in memory. Like the real
// one, an effect and its ledger row happen together or not at all.
type engine struct {
	mu        sync.Mutex
	databases map[string]*database // by URL
	// before is asked before each migration takes effect, after behind it: an
	// error stops the run there, a panic is a worker's death.
	before, after func(database, version string) error
	during        func(run executor.Run, database, version string) error // like before, with the run
	away          func(database string) error                            // asked when a run begins: an error is no connection
	busy          map[string]int                                         // Apply calls under way
	clashes       int                                                    // two at once on one database
	locks         map[string]*sync.Mutex                                 // when set: what the advisory lock is to a real database
}

type database struct {
	ledger  map[string]executor.Migration // history/version → what was applied
	effects map[string]int                // version → how many times it took effect
	order   []string                      // versions in the order of their effects
	skipped map[string]string             // version → reason
	answers []executor.Resolution         // resolutions it was given
}

func newEngine() *engine {
	return &engine{databases: map[string]*database{}, busy: map[string]int{}}
}

func (e *engine) Name() string { return "fake" }

func (e *engine) Open(url secret.Source) executor.Target {
	name, err := url.Read()
	if err != nil {
		name = "unreadable"
	}
	return &fakeTarget{engine: e, name: name}
}

func (e *engine) database(name string) *database {
	d, ok := e.databases[name]
	if !ok {
		d = &database{ledger: map[string]executor.Migration{}, effects: map[string]int{}, skipped: map[string]string{}}
		e.databases[name] = d
	}
	return d
}

// effects are what took effect on a database and how many times.
func (e *engine) effects(name string) map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.database(name).effects)
}

func (e *engine) order(name string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.database(name).order)
}

func (e *engine) skips(name string) map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.database(name).skipped)
}

type fakeTarget struct {
	executor.Target // the rest is not used here

	engine *engine
	name   string
}

func (t *fakeTarget) Catalog(context.Context) (*catalog.Catalog, error) {
	return nil, errors.ErrUnsupported
}

func (t *fakeTarget) Apply(ctx context.Context, run executor.Run) (result executor.Result, err error) {
	if lock := t.engine.locks[t.name]; lock != nil {
		lock.Lock()
		defer lock.Unlock()
	}
	defer t.engine.enter(t.name)()
	if away := t.engine.away; away != nil {
		if err := away(t.name); err != nil {
			return result, err
		}
	}
	t.engine.mu.Lock()
	t.engine.database(t.name).answers = append(t.engine.database(t.name).answers, run.Resolve...)
	t.engine.mu.Unlock()
	t.mark(run)
	migrations := run.Migrations
	if len(t.engine.effects(t.name)) == 0 {
		migrations = run.Folder // an empty database is brought up from the first file
	}
	for _, m := range migrations {
		if err := errors.Join(ctx.Err(), run.StillMine(ctx)); err != nil {
			return result, err
		}
		kind, err := t.one(run, m)
		if err != nil {
			return result, err
		}
		result.Outcomes = append(result.Outcomes, executor.Outcome{Version: m.Version, Path: m.Path, Kind: kind})
		if kind == executor.Applied {
			run.Progress(executor.Event{Version: m.Version, Path: m.Path, State: executor.EventApplied})
		}
	}
	return result, nil
}

// enter notices when two runs meet on one database.
func (e *engine) enter(name string) (leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy[name]++; e.busy[name] > 1 {
		e.clashes++
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.busy[name]--
	}
}

// applies says whether a run is under way on a database.
func (e *engine) applies(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.busy[name] > 0
}

func (t *fakeTarget) mark(run executor.Run) {
	t.engine.mu.Lock()
	defer t.engine.mu.Unlock()
	for version, mark := range run.Skip {
		if _, applied := t.engine.database(t.name).ledger[run.History+"/"+version]; !applied {
			t.engine.database(t.name).skipped[version] = mark.Reason
		}
	}
}

func (t *fakeTarget) one(run executor.Run, m executor.Migration) (executor.OutcomeKind, error) {
	key := run.History + "/" + m.Version
	t.engine.mu.Lock()
	_, skipped := t.engine.database(t.name).skipped[m.Version]
	before, applied := t.engine.database(t.name).ledger[key]
	t.engine.mu.Unlock()
	switch {
	case skipped:
		return executor.Skipped, nil
	case applied && before.Checksum != m.Checksum && m.Kind == executor.Repeatable: // again
	case applied && before.Checksum != m.Checksum && run.Accept[m.Version] != m.Checksum:
		return "", fault.New(fault.ChangedAfterApply, "version %s was applied with another text", m.Version).At(m.Path)
	case applied:
		return executor.AlreadyApplied, nil
	}
	run.Progress(executor.Event{Version: m.Version, Path: m.Path, State: executor.EventRunning})
	if hook := t.engine.before; hook != nil {
		if err := hook(t.name, m.Version); err != nil {
			return "", err
		}
	}
	if hook := t.engine.during; hook != nil {
		if err := hook(run, t.name, m.Version); err != nil {
			return "", err
		}
	}
	t.engine.mu.Lock()
	d := t.engine.database(t.name)
	d.ledger[key] = m
	d.effects[m.Version]++
	d.order = append(d.order, m.Version)
	t.engine.mu.Unlock()
	if hook := t.engine.after; hook != nil {
		return executor.Applied, hook(t.name, m.Version)
	}
	return executor.Applied, nil
}

// sqlFailure is a database's refusal of a statement.
func sqlFailure(version, message string) error {
	return &executor.Failure{Version: version, Path: version + ".sql", Statement: 2, Line: 7, SQLState: "42P07",
		Message: message, Code: fault.SQLError}
}

// authority is what a forge would say.
type authority struct {
	mu        sync.Mutex
	approvers map[string][]string // environment → logins
	writers   []string
	err       error
	asked     func() // called at each question about an approver
}

func (a *authority) set(change func(*authority)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func (a *authority) MayApprove(_ context.Context, _ deploy.Project, rel deploy.Release, env deploy.Environment, login string) (deploy.Eligibility, error) {
	a.mu.Lock()
	asked := a.asked
	a.mu.Unlock()
	if asked != nil {
		asked()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.err != nil:
		return deploy.Eligibility{}, a.err
	case rel.Excludes(login) && !env.Approvals.SelfApproval:
		return deploy.Eligibility{Reason: login + " made the change"}, nil
	case !slices.Contains(a.approvers[env.Name], login):
		return deploy.Eligibility{Reason: fmt.Sprintf("%s is no approver of %s", login, env.Name)}, nil
	}
	return deploy.Eligibility{OK: true}, nil
}

func (a *authority) MayOperate(_ context.Context, _ deploy.Project, login string) (deploy.Eligibility, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return deploy.Eligibility{}, a.err
	}
	if !slices.Contains(a.writers, login) {
		return deploy.Eligibility{Reason: login + " may not write to the repository"}, nil
	}
	return deploy.Eligibility{OK: true}, nil
}
