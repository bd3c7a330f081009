package ledger

import (
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Verdict is what to do with one migration.
type Verdict int

// The verdicts; see the package's table.
const (
	Apply        Verdict = iota // run it, or the rest of it
	Have                        // it is there
	Accept                      // it is there in an older text: note that the edit was accepted
	Skip                        // record that it won't run
	Gone                        // it is recorded as skipped
	Undo                        // run its Down text, or the rest of it
	UndoneBefore                // it was undone before
)

// Decision is the verdict on one migration with what it rests on.
type Decision struct {
	Verdict Verdict

	Migration executor.Migration
	Row       *Row   // nil: the ledger lacks it, or holds only what was undone
	Replaces  *Row   // what was undone: its row goes in the transaction that writes the new one
	Note      string // to be written beside it
}

// Facts is what Decide goes by.
type Facts struct {
	Run    executor.Run
	Ledger Ledger
	Empty  bool // the database holds no tables or functions; asked only while the ledger is empty
}

// Decide says what a run has to do, in order, or why it must not run at all.
func Decide(f Facts) ([]Decision, error) {
	if err := f.Ledger.Check(); err != nil {
		return nil, err
	}
	older, err := f.bringUp()
	if err != nil {
		return nil, err
	}
	all := f.skips()
	for _, m := range older {
		all = append(all, Decision{Verdict: Apply, Migration: m, Row: f.row(m.Version), Replaces: f.replaces(m), Note: BringUp})
	}
	for _, m := range f.Run.Migrations {
		d, err := f.decide(m, len(older) > 0)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// row is the ledger's word about a version, if it still counts.
func (f Facts) row(version string) *Row {
	if r := f.Ledger.Find(version); r != nil && r.State != Undone {
		return r
	}
	return nil
}

func (f Facts) replaces(m executor.Migration) *Row {
	if r := f.Ledger.Find(m.Version); r != nil && r.State == Undone {
		return r
	}
	return nil
}

// skips records the audited skips of files that the run does not bring itself:
// they are no gap in the ledger.
func (f Facts) skips() (all []Decision) {
	for version, mark := range f.Run.Skip {
		if f.row(version) != nil || f.brings(version) {
			continue
		}
		m := executor.Migration{Version: version}
		if len(mark.Migrations) == 1 {
			m = mark.Migrations[0]
		}
		all = append(all, Decision{Verdict: Skip, Migration: m, Note: SkipNote(mark)})
	}
	slices.SortFunc(all, func(a, b Decision) int { return executor.CompareVersions(a.Migration.Version, b.Migration.Version) })
	return all
}

func (f Facts) brings(version string) bool {
	return slices.ContainsFunc(f.Run.Migrations, func(m executor.Migration) bool { return executor.CompareVersions(m.Version, version) == 0 })
}

// decide gives the verdict on one migration.
func (f Facts) decide(m executor.Migration, bringingUp bool) (Decision, error) {
	d := Decision{Verdict: Apply, Migration: m, Row: f.row(m.Version), Replaces: f.replaces(m)}
	mark, skip := Lookup(f.Run.Skip, m.Version)
	if d.Row == nil {
		if skip {
			d.Verdict, d.Note = Skip, SkipNote(mark)
			return d, nil
		}
		return d, f.inOrder(m, bringingUp)
	}
	if d.Row.UndoSteps != nil {
		return d, partlyUndone(d.Row, m)
	}
	switch executor.State(d.Row.State) {
	default:
	case executor.StateSkipped:
		d.Verdict = Gone
	case executor.StateApplied, executor.StateBaseline:
		return f.applied(d)
	case executor.StateAmbiguous:
		return d, stillAmbiguous(d.Row, m)
	case executor.StatePartial:
		if skip {
			return d, PartlyApplied(d.Row, m.Path)
		}
	}
	return d, nil
}

// applied compares the text with what was applied.
func (f Facts) applied(d Decision) (Decision, error) {
	d.Verdict = Have
	if !changed(d.Row, d.Migration) {
		return d, nil
	}
	if sum, ok := Lookup(f.Run.Accept, d.Migration.Version); ok && sum == d.Migration.Checksum {
		d.Verdict, d.Note = Accept, acceptNote(d.Row.Checksum, sum)
		return d, nil
	}
	return d, changedAfterApply(d.Row, d.Migration)
}

// inOrder refuses a migration below the newest one of the ledger.
func (f Facts) inOrder(m executor.Migration, bringingUp bool) error {
	newest := f.Ledger.Newest()
	if f.Run.OutOfOrder || bringingUp || newest == "" || executor.CompareVersions(m.Version, newest) > 0 {
		return nil
	}
	return fault.New(fault.OutOfOrder, "version %s is below %s, which the database has already", m.Version, newest).At(m.Path).
		Then("give the file a version above it, or allow out-of-order migrations")
}

// bringUp returns the files of the folder that run before the run's own: none on
// a database that went along, all of them on an empty one.
func (f Facts) bringUp() ([]executor.Migration, error) {
	lacking := f.lacking()
	if len(lacking) == 0 || f.Empty && len(f.Ledger) == 0 || f.bringingUp() {
		return lacking, nil
	}
	return nil, fault.New(fault.Conflict, "the database's ledger lacks %d older files of the folder, from %s to %s",
		len(lacking), lacking[0].Path, lacking[len(lacking)-1].Path).
		Then("if they are applied there, record that with shipsql migrate baseline --to %s; otherwise run shipsql migrate up --to %[1]s",
			lacking[len(lacking)-1].Version)
}

// lacking returns the folder's files below the newest that the run may apply,
// if the ledger lacks them or bringing up was interrupted within them.
func (f Facts) lacking() (lacking []executor.Migration) {
	top := ""
	for _, m := range f.Run.Migrations {
		if f.row(m.Version) == nil && (top == "" || executor.CompareVersions(m.Version, top) > 0) {
			top = m.Version
		}
	}
	for _, m := range f.Run.Folder {
		_, skipped := Lookup(f.Run.Skip, m.Version)
		if skipped || f.brings(m.Version) || top == "" || executor.CompareVersions(m.Version, top) > 0 {
			continue
		}
		r := f.row(m.Version)
		if r == nil || r.Note == BringUp && r.State != Applied {
			lacking = append(lacking, m)
		}
	}
	return lacking
}

// bringingUp says that everything in the ledger came from bringing the empty
// database up, so that was interrupted.
func (f Facts) bringingUp() bool {
	for _, r := range f.Ledger {
		if r.Note != BringUp {
			return false
		}
	}
	return len(f.Ledger) > 0
}

// Lookup looks a version up in a map that people or other rooms keyed.
func Lookup[T any](byVersion map[string]T, version string) (T, bool) {
	if v, ok := byVersion[version]; ok {
		return v, true
	}
	for key, v := range byVersion {
		if executor.CompareVersions(key, version) == 0 {
			return v, true
		}
	}
	var none T
	return none, false
}
