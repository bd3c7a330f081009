package main

import (
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// runFlags are the flags of commands that run migrations.
type runFlags struct {
	LockTimeout      time.Duration `help:"Longest wait for one lock, before others are let pass." default:"2s"`
	StatementTimeout time.Duration `help:"Longest statement; 0: no limit." default:"0"`
	Online           string        `help:"assert: refuse an ALTER that would copy its table or block writes (MySQL, MariaDB)." enum:",assert" default:"" placeholder:"assert"`
	SetRole          string        `help:"Run the files as this role (PostgreSQL); the ledger is written as the login." placeholder:"ROLE"`
	Compat           bool          `help:"Also write goose's or golang-migrate's own history, in the same transaction, so that the tool goes on working."`
}

type migrateUpCmd struct {
	migrateTarget
	runFlags

	To         string `help:"The last version to apply. Default: all of the folder." placeholder:"VERSION"`
	DryRun     bool   `help:"Say what would run, and change nothing. With --scratch it is tried there."`
	Scratch    string `help:"For --dry-run: a disposable server, by a login that may make roles and databases there." placeholder:"URL"`
	OutOfOrder bool   `help:"Also apply versions below the newest applied one."`
}

// Run applies what is pending.
func (c *migrateUpCmd) Run(t *terminal) error {
	if c.Scratch != "" && !c.DryRun {
		return exit{exitUsage, fault.New(fault.Invalid, "--scratch is where --dry-run tries the migrations").Then("add --dry-run, or leave --scratch out")}
	}
	return c.use(t, func(m *migration) error {
		wanted, err := m.upTo(c.To)
		if err != nil {
			return err
		}
		report := upReport{Version: 1, Engine: m.engine.Name(), History: c.History, Migrations: []upMigration{}}
		if c.DryRun {
			err = c.foresee(t, m, wanted, &report)
		} else {
			err = c.apply(t, m, wanted, &report)
		}
		report.Error = c.aftermath(t, m, "up", err)
		return errors.Join(m.print(t, &report), report.Error.told(err))
	})
}

func (c *migrateUpCmd) apply(t *terminal, m *migration, wanted []executor.Migration, report *upReport) error {
	run, err := c.ready(t, m, &c.migrateTarget)
	if err != nil {
		return err
	}
	run.Migrations, run.OutOfOrder = wanted, c.OutOfOrder
	defer t.follow(&run, c.Format)()
	defer t.interruptible(&run)()
	result, err := m.target.Apply(t.ctx, run)
	for _, o := range result.Outcomes {
		report.add(o)
	}
	return err
}

// run is a run by the person at the keyboard.
func (f runFlags) run(m *migrateTarget) executor.Run {
	return executor.Run{
		History: m.History, Actor: osUser(), ToolVersion: version, Role: f.SetRole,
		Limits: executor.Limits{
			LockTimeout: f.LockTimeout, LockRetryFor: m.LockRetryFor, StatementTimeout: f.StatementTimeout, Online: f.Online, Grace: interruptGrace,
		},
	}
}

// ready is a run on the command's database, once what it needs there was looked
// at.
func (f runFlags) ready(t *terminal, m *migration, target *migrateTarget) (run executor.Run, err error) {
	if f.SetRole != "" && m.dialect != script.Postgres {
		return run, exit{exitUsage, fault.New(fault.Unsupported, "--set-role is PostgreSQL's").Then("leave it out")}
	}
	run = f.run(target)
	run.Companion, err = f.companion(t, m, target)
	return run, err
}

// companion is the other tool's history, where --compat asks for it.
func (f runFlags) companion(t *terminal, m *migration, target *migrateTarget) (executor.Companion, error) {
	if !f.Compat {
		return nil, nil
	}
	reader, err := m.reader()
	if err != nil {
		return nil, err
	}
	entries, err := m.target.Status(t.ctx, target.History, m.folder)
	if err != nil {
		return nil, err
	}
	return history.NewCompanion(t.ctx, reader, history.Compat{
		Where:  history.Where{Dialect: m.dialect, Tool: m.layout.Layout},
		Folder: m.folder, Status: entries,
	})
}

func (m *migration) reader() (executor.Reader, error) {
	if r, ok := m.target.(executor.Reader); ok {
		return r, nil
	}
	return nil, fault.New(fault.Unsupported, "%s databases can't be asked for another tool's history yet", m.engine.Name())
}
