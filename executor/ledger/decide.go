package ledger

import (
	"cmp"
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
	Leave                       // a baseline that this database does not need: nothing is recorded
)

// Decision is the verdict on one migration with what it rests on.
type Decision struct {
	Verdict Verdict

	Migration executor.Migration
	Row       *Row   // nil: the ledger lacks it, or holds only what Replaces says
	Replaces  *Row   // what was undone, or an older text of a repeatable one: its row goes in the transaction that writes the new one
	Note      string // to be written beside it
}

// Place is where the ledger keeps the migration's row.
func (d Decision) Place(history string) Place {
	p := PlaceOf(history, d.Migration)
	if d.Row != nil {
		p.Version = d.Row.Version
	}
	return p
}

// StepPlace is where it keeps the steps of the text that runs.
func (d Decision) StepPlace(history string) Place {
	p := d.Place(history)
	if d.Undoing() {
		p.Kind = UndoStep
	}
	return p
}

// Undoing says that the migration's Down text is what runs.
func (d Decision) Undoing() bool { return d.Verdict == Undo }

// Text is what runs.
func (d Decision) Text() string {
	if d.Undoing() {
		return d.Migration.Down
	}
	return d.Migration.SQL
}

// Path is the file that holds Text.
func (d Decision) Path() string {
	if d.Undoing() {
		return d.Migration.DownFile()
	}
	return d.Migration.Path
}

// Left are the steps of Text that an earlier run left; nil: there was none.
func (d Decision) Left() map[int]Step {
	switch {
	case d.Row == nil:
		return nil
	case d.Undoing():
		return d.Row.UndoSteps
	}
	return d.Row.Steps
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
	p := planner{Facts: f, base: f.base(), places: places(f.Run.Folder), brought: map[string]bool{}}
	for _, m := range f.Run.Migrations {
		p.brought[keyOf(m)] = true
	}
	older, err := p.bringUp()
	if err != nil {
		return nil, err
	}
	skips := p.skips()
	all := append(make([]Decision, 0, len(skips)+len(older)+len(f.Run.Migrations)), skips...)
	for _, m := range older {
		all = append(all, Decision{Verdict: Apply, Migration: m, Row: f.row(m), Replaces: f.replaces(m), Note: BringUp})
	}
	for _, m := range f.Run.Migrations {
		d, err := p.decide(m, len(older) > 0)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all[len(skips):], func(a, b Decision) int { return cmp.Compare(p.place(a.Migration), p.place(b.Migration)) })
	return all, nil
}

// planner holds what the decisions of one run share.
type planner struct {
	Facts

	base    *executor.Migration // the baseline that the database stands on, or will; nil: none
	places  map[string]int      // in the run's folder
	brought map[string]bool     // what the run brings itself
}

func keyOf(m executor.Migration) string { return Key(Kind(m), m.Version) }

// places are where the folder has its migrations, by keyOf.
func places(folder []executor.Migration) map[string]int {
	found := make(map[string]int, len(folder))
	for i, m := range folder {
		found[keyOf(m)] = i
	}
	return found
}

// place is where a migration runs in the folder's order; all are 0 in a run
// without a folder, whose own order holds then.
func (p planner) place(m executor.Migration) int {
	if len(p.Run.Folder) == 0 {
		return 0
	}
	if i, ok := p.places[keyOf(m)]; ok {
		return i
	}
	before := 0
	for i, x := range p.Run.Folder {
		if x.Kind != executor.Repeatable && executor.CompareVersions(x.Version, m.Version) < 0 {
			before = i
		}
	}
	return before
}

// row is the ledger's word about a migration, if it still counts for this text.
func (f Facts) row(m executor.Migration) *Row {
	if r := f.Ledger.Of(m); r != nil && !outlived(r, m) {
		return r
	}
	return nil
}

// replaces is the row that no longer counts.
func (f Facts) replaces(m executor.Migration) *Row {
	if r := f.Ledger.Of(m); r != nil && outlived(r, m) {
		return r
	}
	return nil
}

// outlived says that a row stands no more for the migration: it was undone, or
// the migration is repeatable and has another text now.
func outlived(r *Row, m executor.Migration) bool {
	settled := r.State == Applied || r.State == Baseline || r.State == Skipped
	return r.State == Undone || m.Kind == executor.Repeatable && settled && r.Checksum != m.Checksum
}

// base is the baseline that the ledger has, or on an empty database the newest
// that the run may use.
func (f Facts) base() *executor.Migration {
	var newest *executor.Migration
	for _, list := range [][]executor.Migration{f.Run.Folder, f.Run.Migrations} {
		for i := range list {
			m := &list[i]
			if m.Kind != executor.Baseline {
				continue
			}
			if r := f.row(*m); r != nil && r.State != Skipped {
				return m
			}
			if newest == nil || executor.CompareVersions(m.Version, newest.Version) > 0 {
				newest = m
			}
		}
	}
	if f.Empty && len(f.Ledger) == 0 {
		return newest
	}
	return f.Ledger.base()
}

// covered says that a baseline does, or did, what the migration does.
func (p planner) covered(m executor.Migration) bool {
	return p.base != nil && m.Kind != executor.Repeatable && keyOf(m) != keyOf(*p.base) &&
		executor.IsNumeric(m.Version) && executor.CompareVersions(m.Version, p.base.Version) <= 0
}

// skips records the audited skips of files that the run does not bring itself:
// they are no gap in the ledger.
func (p planner) skips() (all []Decision) {
	for version, mark := range p.Run.Skip {
		m := executor.Migration{Version: version}
		if len(mark.Migrations) == 1 {
			m = mark.Migrations[0]
		}
		if p.row(m) != nil || p.brought[keyOf(m)] {
			continue
		}
		all = append(all, Decision{Verdict: Skip, Migration: m, Note: SkipNote(mark), Replaces: p.replaces(m)})
	}
	slices.SortFunc(all, func(a, b Decision) int { return executor.CompareVersions(a.Migration.Version, b.Migration.Version) })
	return all
}

func (f Facts) brings(version string) bool {
	return slices.ContainsFunc(f.Run.Migrations, func(m executor.Migration) bool { return executor.CompareVersions(m.Version, version) == 0 })
}

// decide gives the verdict on one migration.
func (p planner) decide(m executor.Migration, bringingUp bool) (Decision, error) {
	d := Decision{Verdict: Apply, Migration: m, Row: p.row(m), Replaces: p.replaces(m)}
	mark, skip := Lookup(p.Run.Skip, m.Version)
	if d.Row == nil {
		switch {
		case m.Kind == executor.Baseline && (p.base == nil || keyOf(m) != keyOf(*p.base)):
			d.Verdict = Leave
		case p.covered(m) && d.Replaces == nil: // what was undone is wanted again
			d.Verdict = Have
		case skip && m.Kind != executor.Baseline:
			d.Verdict, d.Note = Skip, SkipNote(mark)
		default:
			return d, p.inOrder(m, bringingUp)
		}
		return d, nil
	}
	if d.Row.UndoSteps != nil {
		return d, partlyUndone(d.Row, m)
	}
	switch executor.State(d.Row.State) {
	default:
	case executor.StateSkipped:
		d.Verdict = Gone
	case executor.StateApplied, executor.StateBaseline:
		return p.applied(d)
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

// inOrder refuses a migration below the newest one of the ledger. What has no
// number has no place among others, and a baseline runs before everything.
func (p planner) inOrder(m executor.Migration, bringingUp bool) error {
	newest := p.Ledger.Newest()
	if p.Run.OutOfOrder || bringingUp || newest == "" || m.Kind == executor.Baseline || !executor.IsNumeric(m.Version) ||
		executor.CompareVersions(m.Version, newest) > 0 {
		return nil
	}
	return fault.New(fault.OutOfOrder, "version %s is below %s, which the database has already", m.Version, newest).At(m.Path).
		Then("give the file a version above it, or allow out-of-order migrations")
}

// bringUp returns the files of the folder that run before the run's own: none on
// a database that went along, all of them on an empty one.
func (p planner) bringUp() ([]executor.Migration, error) {
	empty := p.Empty && len(p.Ledger) == 0 || p.bringingUp()
	lacking := p.lacking(empty)
	if len(lacking) == 0 || empty {
		return lacking, nil
	}
	return nil, fault.New(fault.Conflict, "the database's ledger lacks %d older files of the folder, from %s to %s",
		len(lacking), lacking[0].Path, lacking[len(lacking)-1].Path).
		Then("if another tool applied them, take its history over with shipsql migrate adopt; if they are there all the same, "+
			"record that with shipsql migrate baseline --to %s; otherwise run shipsql migrate up --to %[1]s",
			lacking[len(lacking)-1].Version)
}

// lacking returns the folder's files before the last that the run may apply, if
// the ledger lacks them or bringing up was interrupted within them. Repeatable
// ones run by their own releases, but on an empty database.
func (p planner) lacking(empty bool) (lacking []executor.Migration) {
	top := -1
	for _, m := range p.Run.Migrations {
		if p.row(m) == nil && !p.covered(m) && (m.Kind != executor.Baseline || p.base != nil && keyOf(m) == keyOf(*p.base)) {
			top = max(top, p.place(m))
		}
	}
	for i, m := range p.Run.Folder {
		_, skipped := Lookup(p.Run.Skip, m.Version)
		switch r := p.row(m); {
		case skipped && m.Kind != executor.Baseline, p.brought[keyOf(m)], p.covered(m), top < 0:
		case m.Kind == executor.Repeatable && !empty, m.Kind != executor.Repeatable && i > top:
		case m.Kind == executor.Baseline && (p.base == nil || keyOf(m) != keyOf(*p.base)):
		case r == nil || r.Note == BringUp && r.State != Applied:
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
