package main

import (
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

type migrateUpCmd struct {
	migrateTarget

	To               string        `help:"The last version to apply. Default: all of the folder." placeholder:"VERSION"`
	DryRun           bool          `help:"Say what would run, and change nothing."`
	OutOfOrder       bool          `help:"Also apply versions below the newest applied one."`
	LockTimeout      time.Duration `help:"Longest wait for one lock, before others are let pass." default:"2s"`
	StatementTimeout time.Duration `help:"Longest statement; 0: no limit." default:"0"`
}

// Run applies what is pending.
func (c *migrateUpCmd) Run(t *terminal) error {
	return c.use(func(m migration) error {
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
		report.Error = describe(err)
		return errors.Join(t.print(c.Format, &report), err)
	})
}

func (c *migrateUpCmd) apply(t *terminal, m migration, wanted []executor.Migration, report *upReport) error {
	show := progress(t, c.Format, wanted)
	result, err := m.target.Apply(t.ctx, executor.Run{
		History: c.History, Migrations: wanted, OutOfOrder: c.OutOfOrder, Actor: osUser(), ToolVersion: version, Progress: show,
		Limits: executor.Limits{
			LockTimeout: c.LockTimeout, LockRetryFor: c.LockRetryFor, StatementTimeout: c.StatementTimeout, Grace: interruptGrace,
		},
	})
	for _, o := range result.Outcomes {
		report.add(o)
	}
	return err
}

// foresee reports what Apply would do, going by the ledger alone.
func (c *migrateUpCmd) foresee(t *terminal, m migration, wanted []executor.Migration, report *upReport) error {
	entries, err := m.target.Status(t.ctx, c.History, wanted)
	if err != nil {
		return err
	}
	for _, e := range entries {
		kind := executor.AlreadyApplied
		switch e.State {
		default: // applied, baseline
		case executor.StateMissing:
			continue
		case executor.StatePending, executor.StatePartial:
			kind = wouldApply
		case executor.StateSkipped:
			kind = executor.Skipped
		case executor.StateChanged:
			return fault.New(fault.ChangedAfterApply, "version %s was applied with another text", e.Version).At(e.Path).
				Then("put the old text back and write the change as a new migration")
		case executor.StateAmbiguous:
			return fault.New(fault.Ambiguous, "version %s is ambiguous", e.Version).At(e.Path).Then("look at the database, then run shipsql migrate resolve")
		}
		report.add(executor.Outcome{Version: e.Version, Path: e.Path, Kind: kind, Statements: e.Total - e.Done})
	}
	return nil
}

// wouldApply is the outcome that --dry-run foresees.
const wouldApply executor.OutcomeKind = "would_apply"
