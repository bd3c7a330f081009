package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// migrateCmd is the executor alone, for laptops and pipelines.
type migrateCmd struct {
	Up       migrateUpCmd       `cmd:"" help:"Apply what is pending, each file exactly once."`
	Status   migrateStatusCmd   `cmd:"" help:"Show where each migration stands."`
	Baseline migrateBaselineCmd `cmd:"" help:"Record files as already there, without running them."`
	Skip     migrateSkipCmd     `cmd:"" help:"Record that a file will not run here."`
	Resolve  migrateResolveCmd  `cmd:"" help:"Say what became of an ambiguous step."`
}

// Help says what the exit codes mean.
func (migrateCmd) Help() string {
	return "Exit code 0: done, or nothing to do; 1: failed or refused; 2: wrong usage; 3: ambiguous, see resolve; 4: try again (no lock, unreachable)."
}

const (
	exitAmbiguous = 3
	exitTryAgain  = 4
)

// interruptGrace is how long a running file may go on after Ctrl-C.
const interruptGrace = 2 * time.Second

// migrateTarget are the flags of every migrate command.
type migrateTarget struct {
	Database string `help:"The database: a URL, env:NAME or file:PATH." required:"" placeholder:"URL"`
	Dir      string `help:"Folder of the migrations." default:"migrations"`
	History  string `help:"The ledger's history, where several projects share the database." default:"default"`
	Layout   string `help:"Naming of the files: auto or native." default:"auto"`
	Format   string `help:"text or json." enum:"text,json" default:"text"`

	LockRetryFor time.Duration `help:"How long to try for a lock that others hold." default:"30m"`
}

// migration is what a command works on.
type migration struct {
	engine executor.Engine
	target executor.Target
	folder []executor.Migration
}

// use opens the target and reads the folder, runs f, and gives its error the
// exit code of the contract.
func (m *migrateTarget) use(f func(migration) error) error {
	if err := m.supported(); err != nil {
		return exit{exitUsage, err}
	}
	files, err := m.files()
	if err != nil {
		return exit{exitUsage, err}
	}
	loaded, err := layout.Load(files, layout.Options{Name: layout.Native})
	if err != nil {
		return exit{exitFail, err}
	}
	parser := syntax.NewParser(syntax.Options{})
	defer func() { _ = parser.Close() }()
	engine := postgres.New(parser)
	return coded(f(migration{engine, engine.Open(secret.Parse(m.Database, ".")), loaded.Migrations}))
}

func (m *migrateTarget) supported() error {
	if m.Layout != "auto" && m.Layout != "native" {
		return fault.New(fault.Unsupported, "--layout %s is not supported yet", m.Layout).Then("use auto or native")
	}
	url, err := secret.Parse(m.Database, ".").Read()
	if err != nil {
		return err
	}
	if scheme, _, found := strings.Cut(url, "://"); found && scheme != "postgres" && scheme != "postgresql" {
		return fault.New(fault.Unsupported, "databases of the kind %s are not supported yet", scheme).Then("use postgres://…")
	}
	return nil
}

// files reads the folder; paths are as the user would write them.
func (m *migrateTarget) files() ([]executor.File, error) {
	files, err := layout.ReadDir(os.DirFS(m.Dir), ".")
	for i := range files {
		files[i].Path = filepath.ToSlash(filepath.Join(m.Dir, files[i].Path))
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the folder of the migrations").At(m.Dir).Because(errors.Unwrap(err)).Then("name it with --dir")
	}
	return files, nil
}

// mark makes an audited word of the person at the keyboard.
func (m *migrateTarget) mark(reason string, migrations ...executor.Migration) executor.Mark {
	return executor.Mark{
		History: m.History, Migrations: migrations, Actor: osUser(), Reason: reason, ToolVersion: version,
		Limits: executor.Limits{LockRetryFor: m.LockRetryFor},
	}
}

func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// upTo returns the folder up to a version, which must be one of it; "" is all.
func (m migration) upTo(version string) ([]executor.Migration, error) {
	if version == "" {
		return m.folder, nil
	}
	for i, x := range m.folder {
		if executor.CompareVersions(x.Version, version) == 0 {
			return m.folder[:i+1], nil
		}
	}
	return nil, exit{exitUsage, fault.New(fault.NotFound, "the folder has no version %s", version)}
}

// coded gives an error the exit code of the contract.
func coded(err error) error {
	var already exit
	if err == nil || errors.As(err, &already) {
		return err
	}
	code := exitFail
	_, ofAFile := errors.AsType[*executor.Failure](err)
	switch fault.CodeOf(err) {
	default:
	case fault.Ambiguous:
		code = exitAmbiguous
	case fault.LockTimeout, fault.Unreachable:
		code = exitTryAgain
	case fault.Invalid:
		if !ofAFile { // a URL
			code = exitUsage
		}
	}
	return exit{code, explained(err)}
}

// explained adds what a person at a terminal wants to see too.
func explained(err error) error {
	var failure *executor.Failure
	var ambiguous *executor.AmbiguousError
	switch {
	case errors.As(err, &ambiguous):
		return fmt.Errorf("%w\n  run shipsql migrate resolve '%s' applied, or … retry", err, ambiguous.Step())
	case !errors.As(err, &failure):
		return err
	}
	if failure.Detail != "" {
		err = fmt.Errorf("%w\n  detail: %s", err, failure.Detail)
	}
	if failure.Hint != "" {
		err = fmt.Errorf("%w\n  hint: %s", err, failure.Hint)
	}
	return err
}

type migrateBaselineCmd struct {
	migrateTarget

	To     string `help:"The last version that is already there. Default: all of the folder." placeholder:"VERSION"`
	Reason string `help:"Why, for the record."`
}

// Run records the baseline.
func (c *migrateBaselineCmd) Run(t *terminal) error {
	return c.use(func(m migration) error {
		there, err := m.upTo(c.To)
		if err != nil {
			return err
		}
		return c.marked(t.ctx, t, m, there, func(ctx context.Context) error { return m.target.Baseline(ctx, c.mark(c.Reason, there...)) })
	})
}

type migrateSkipCmd struct {
	migrateTarget

	Version string `arg:"" help:"The version that will not run."`
	Reason  string `help:"Why, for the record."`
}

// Run records the skip.
func (c *migrateSkipCmd) Run(t *terminal) error {
	return c.use(func(m migration) error {
		upTo, err := m.upTo(c.Version)
		if err != nil {
			return err
		}
		one := upTo[len(upTo)-1:]
		return c.marked(t.ctx, t, m, one, func(ctx context.Context) error { return m.target.Skip(ctx, c.mark(c.Reason, one...)) })
	})
}

type migrateResolveCmd struct {
	migrateTarget

	Step   string `arg:"" name:"version#n" help:"The step, as the error names it."`
	Answer string `arg:"" enum:"applied,retry" help:"applied: it took effect, go on behind it. retry: it did not, run it again."`
	Reason string `help:"What was looked at, for the record."`
}

// Run settles the step.
func (c *migrateResolveCmd) Run(t *terminal) error {
	version, n, err := parseStep(c.Step)
	if err != nil {
		return exit{exitUsage, err}
	}
	return c.use(func(m migration) error {
		r := executor.Resolution{Version: version, N: n, Answer: executor.Answer(c.Answer)}
		of := executor.Migration{Version: version}
		return c.marked(t.ctx, t, m, []executor.Migration{of}, func(ctx context.Context) error { return m.target.Resolve(ctx, r, c.mark(c.Reason)) })
	})
}
