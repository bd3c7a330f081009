package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// dryRun says what a dry run rests on.
type dryRun struct {
	Tried bool   `json:"tried"` // on a scratch database
	Basis string `json:"basis"` // in words
}

// The bases of a dry run.
const (
	basisLedger  = "this is the plan by the ledger; nothing was tried, for there is no scratch server (--scratch)"
	basisScratch = "tried on a scratch database, from the folder's first file on, without data"
)

// wouldApply is the outcome that --dry-run foresees.
const wouldApply executor.OutcomeKind = "would_apply"

// foresee reports what Apply would do: by the ledger and, where there is a
// scratch server, by trying it.
func (c *migrateUpCmd) foresee(t *terminal, m *migration, wanted []executor.Migration, report *upReport) error {
	report.DryRun = &dryRun{Basis: basisLedger}
	entries, err := m.target.Status(t.ctx, c.History, wanted)
	if err != nil {
		return err
	}
	states := map[string]executor.State{}
	pending := false
	for _, e := range entries {
		kind, err := foreseen(e)
		if err != nil {
			return err
		}
		states[e.Version] = e.State
		pending = pending || kind == wouldApply
		if kind != "" {
			report.add(executor.Outcome{Version: e.Version, Path: e.Path, Kind: kind, Statements: left(e)})
		}
	}
	if c.Scratch == "" || !pending {
		return nil
	}
	return c.try(t, m, wanted, states, report.DryRun)
}

// left counts the statements that would run; an edited repeatable runs anew.
func left(e executor.Entry) int {
	if e.Kind == executor.Repeatable && e.State == executor.StatePending {
		return e.Total
	}
	return e.Total - e.Done
}

// foreseen is what Apply would do with one migration; "" where it has no say.
func foreseen(e executor.Entry) (executor.OutcomeKind, error) {
	switch e.State {
	default: // applied, baseline
	case executor.StateMissing:
		return "", nil
	case executor.StatePending, executor.StatePartial, executor.StateUndone:
		return wouldApply, nil
	case executor.StateSkipped:
		return executor.Skipped, nil
	case executor.StateChanged:
		return "", fault.New(fault.ChangedAfterApply, "version %s was applied with another text", e.Version).At(e.Path).
			Then("put the old text back and write the change as a new migration")
	case executor.StateAmbiguous:
		return "", fault.New(fault.Ambiguous, "version %s is ambiguous", e.Version).At(e.Path).Then("look at the database, then run shipsql migrate resolve")
	}
	return executor.AlreadyApplied, nil
}

// try applies the folder to a scratch database of its own, which is dropped
// again. A file that the target has already, and that an empty database refuses,
// leaves the rest untried; that is said, and is no failure of the plan.
func (c *migrateUpCmd) try(t *terminal, m *migration, wanted []executor.Migration, states map[string]executor.State, said *dryRun) (err error) {
	server, ok := m.engine.(executor.Scratcher)
	if !ok {
		return fault.New(fault.Unsupported, "%s has no scratch databases yet", m.engine.Name()).Then("leave --scratch out")
	}
	scratch, err := server.Scratch(t.ctx, secret.Parse(c.Scratch, "."))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Drop(context.WithoutCancel(t.ctx))) }()
	run := c.run(&c.migrateTarget)
	for _, w := range wanted {
		if states[w.Version] != executor.StateSkipped {
			run.Migrations = append(run.Migrations, w)
		}
	}
	defer t.follow(&run, c.Format)()
	_, err = m.engine.Open(scratch.URL).Apply(t.ctx, run)
	var failure *executor.Failure
	if errors.As(err, &failure) && there(states[failure.Version]) {
		said.Basis = fmt.Sprintf("this is the plan by the ledger; it could not be tried: %v, and the database has that file already", failure)
		return nil
	}
	said.Tried, said.Basis = true, basisScratch
	return err
}

func there(s executor.State) bool {
	return s == executor.StateApplied || s == executor.StateBaseline || s == executor.StatePartial
}
