package ledger

import (
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

var (
	kinds      = []string{string(executor.Versioned), string(executor.Repeatable), string(executor.Baseline)}
	states     = []string{Applied, Partial, Ambiguous, Baseline, Skipped, Undone}
	stepStates = []string{StepIntent, StepRunning, StepDone}
)

// Check refuses a ledger that no ShipSQL wrote: somebody edited it by hand, or
// restored a part of it. What it says can't be relied on then.
func (l Ledger) Check() error {
	for _, r := range l {
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Row) check() error {
	switch {
	case !slices.Contains(kinds, r.Kind):
		return Edited("version %s has the kind %q", r.Version, r.Kind)
	case !slices.Contains(states, r.State):
		return Edited("version %s has the state %q", r.Version, r.State)
	case r.State == Ambiguous && !r.asks():
		return Edited("version %s is ambiguous, and none of its steps is", r.Version)
	}
	for _, s := range r.underWay() {
		if !slices.Contains(stepStates, s.State) {
			return Edited("step %s#%d has the state %q", r.Version, s.N, s.State)
		}
		if s.State != StepDone && (r.State == Applied || r.State == Undone || r.State == Skipped || r.State == Baseline) {
			return Edited("version %s is %s, and its step %d is not done", r.Version, r.State, s.N)
		}
	}
	return r.checkNumbers()
}

// checkNumbers wants the steps that are under way to be the file's first ones.
func (r *Row) checkNumbers() error {
	steps := r.underWay()
	for n := 1; n <= len(steps); n++ {
		if _, known := steps[n]; !known {
			return Edited("version %s has %d steps, and step %d is not among them", r.Version, len(steps), n)
		}
	}
	return nil
}

// Edited is a ledger that no ShipSQL left, and what shows it.
func Edited(format string, args ...any) error {
	return fault.New(fault.Conflict, "the ledger isn't as ShipSQL left it: "+format, args...).
		Then("find out who changed it, put it back from a backup of the same moment as the database, then run again; nothing was run")
}
