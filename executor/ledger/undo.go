package ledger

import (
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/plural"
)

// DecideUndo says what an undo of the run's migrations has to do, the last of
// them first, or why it must not run at all.
func DecideUndo(f Facts) ([]Decision, error) {
	if err := f.Ledger.Check(); err != nil {
		return nil, err
	}
	var all []Decision
	for _, m := range slices.Backward(f.Run.Migrations) {
		d, err := f.decideUndo(m)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (f Facts) decideUndo(m executor.Migration) (Decision, error) {
	d := Decision{Verdict: Undo, Migration: m, Row: f.Ledger.Of(m)}
	switch {
	case d.Row == nil || d.Row.State == Skipped:
		return d, notApplied(d.Row, m)
	case d.Row.State == Undone:
		d.Verdict = UndoneBefore
		return d, nil
	case d.Row.UndoSteps == nil && (d.Row.State == Partial || d.Row.State == Ambiguous):
		return d, partlyApplied(d.Row, m.Path, "undone")
	case !m.Undoable() || d.Row.Kind != string(executor.Versioned):
		return d, noDown(m)
	case changed(d.Row, m):
		return d, changedAfterApply(d.Row, m)
	case d.Row.State == Ambiguous:
		return d, stillAmbiguous(d.Row, m)
	}
	return d, f.undoInOrder(m)
}

// undoInOrder refuses to undo a file while later ones of the folder, which may
// build on it, stay.
func (f Facts) undoInOrder(m executor.Migration) error {
	if f.Run.OutOfOrder {
		return nil
	}
	for _, later := range slices.Backward(f.Run.Folder) {
		if Key(Kind(later), later.Version) == Key(Kind(m), m.Version) {
			return nil
		}
		r := f.Ledger.Of(later)
		if r == nil || r.State == Undone || r.State == Skipped || Kind(later) != string(executor.Versioned) || f.brings(later.Version) {
			continue
		}
		return fault.New(fault.OutOfOrder, "version %s was applied after version %s and would stay", later.Version, m.Version).At(m.Path).
			Then("undo %s first, or allow out-of-order migrations", later.Version)
	}
	return nil
}

func notApplied(r *Row, m executor.Migration) error {
	what := "is not applied here"
	if r != nil {
		what = "is recorded as " + r.State
	}
	return fault.New(fault.Conflict, "version %s %s, so there is nothing to undo", m.Version, what).At(m.Path).Then("see the status of the database")
}

func noDown(m executor.Migration) error {
	return fault.New(fault.Unsupported, "version %s has no text that undoes it", m.Version).At(m.Path).
		Then("add its down file, or write a new migration that takes the change back")
}

// partlyUndone refuses to apply what is on its way back.
func partlyUndone(r *Row, m executor.Migration) error {
	return fault.New(fault.Conflict, "version %s is partly undone (%s of its down text done)", m.Version, plural.Count(r.Done(), "statement")).At(m.Path).
		Then("undo it again with shipsql migrate down: that goes on where it stopped; then it can be applied")
}
