package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// verdict is what to do with one migration.
type verdict int

const (
	verdictApply  verdict = iota // run it, or the rest of it
	verdictHave                  // it is there
	verdictAccept                // it is there in an older text: note that the edit was accepted
	verdictSkip                  // record that it won't run
	verdictGone                  // it is recorded as skipped
)

// decision is the verdict on one migration with what it rests on.
type decision struct {
	verdict

	migration executor.Migration
	row       *row   // nil: the ledger lacks it
	note      string // to be written beside it
}

// facts is what decide goes by.
type facts struct {
	run    executor.Run
	ledger ledger
	empty  bool // the database holds no tables or functions
}

// decide says what a run has to do, in order, or why it must not run at all.
func decide(f facts) ([]decision, error) {
	older, err := f.bringUp()
	if err != nil {
		return nil, err
	}
	all := f.skips()
	for _, m := range older {
		all = append(all, decision{verdictApply, m, f.ledger.find(m.Version), bringUp})
	}
	for _, m := range f.run.Migrations {
		d, err := f.decide(m, len(older) > 0)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// skips records the audited skips of files that the run does not bring itself:
// they are no gap in the ledger.
func (f facts) skips() (all []decision) {
	for version, mark := range f.run.Skip {
		if f.ledger.find(version) != nil || f.brings(version) {
			continue
		}
		m := executor.Migration{Version: version}
		if len(mark.Migrations) == 1 {
			m = mark.Migrations[0]
		}
		all = append(all, decision{verdict: verdictSkip, migration: m, note: skipNote(mark)})
	}
	slices.SortFunc(all, func(a, b decision) int { return executor.CompareVersions(a.migration.Version, b.migration.Version) })
	return all
}

func (f facts) brings(version string) bool {
	return slices.ContainsFunc(f.run.Migrations, func(m executor.Migration) bool { return executor.CompareVersions(m.Version, version) == 0 })
}

// decide gives the verdict on one migration.
func (f facts) decide(m executor.Migration, bringingUp bool) (decision, error) {
	d := decision{verdict: verdictApply, migration: m, row: f.ledger.find(m.Version)}
	mark, skip := find(f.run.Skip, m.Version)
	if d.row == nil {
		if skip {
			d.verdict, d.note = verdictSkip, skipNote(mark)
			return d, nil
		}
		return d, f.inOrder(m, bringingUp)
	}
	switch executor.State(d.row.State) {
	default:
	case executor.StateSkipped:
		d.verdict = verdictGone
	case executor.StateApplied, executor.StateBaseline:
		return f.applied(d)
	case executor.StateAmbiguous:
		return d, stillAmbiguous(d.row, m)
	case executor.StatePartial:
		if skip {
			return d, partlyApplied(d.row, m.Path)
		}
	}
	return d, nil
}

// applied compares the text with what was applied.
func (f facts) applied(d decision) (decision, error) {
	d.verdict = verdictHave
	if !changed(d.row, d.migration) {
		return d, nil
	}
	if sum, ok := find(f.run.Accept, d.migration.Version); ok && sum == d.migration.Checksum {
		d.verdict, d.note = verdictAccept, acceptNote(d.row.Checksum, sum)
		return d, nil
	}
	return d, changedAfterApply(d.row, d.migration)
}

// inOrder refuses a migration below the newest one of the ledger.
func (f facts) inOrder(m executor.Migration, bringingUp bool) error {
	newest := f.ledger.newest()
	if f.run.OutOfOrder || bringingUp || newest == "" || executor.CompareVersions(m.Version, newest) > 0 {
		return nil
	}
	return fault.New(fault.OutOfOrder, "version %s is below %s, which the database has already", m.Version, newest).At(m.Path).
		Then("give the file a version above it, or allow out-of-order migrations")
}

// bringUp returns the files of the folder that run before the run's own: none on
// a database that went along, all of them on an empty one.
func (f facts) bringUp() ([]executor.Migration, error) {
	lacking := f.lacking()
	if len(lacking) == 0 || f.empty && len(f.ledger) == 0 || f.bringingUp() {
		return lacking, nil
	}
	return nil, fault.New(fault.Conflict, "the database's ledger lacks %d older files of the folder, from %s to %s",
		len(lacking), lacking[0].Path, lacking[len(lacking)-1].Path).
		Then("if they are applied there, record that with shipsql migrate baseline --to %s; otherwise run shipsql migrate up --to %[1]s",
			lacking[len(lacking)-1].Version)
}

// lacking returns the folder's files below the newest that the run may apply,
// if the ledger lacks them or bringing up was interrupted within them.
func (f facts) lacking() (lacking []executor.Migration) {
	top := ""
	for _, m := range f.run.Migrations {
		if f.ledger.find(m.Version) == nil && (top == "" || executor.CompareVersions(m.Version, top) > 0) {
			top = m.Version
		}
	}
	for _, m := range f.run.Folder {
		_, skipped := find(f.run.Skip, m.Version)
		if skipped || f.brings(m.Version) || top == "" || executor.CompareVersions(m.Version, top) > 0 {
			continue
		}
		r := f.ledger.find(m.Version)
		if r == nil || r.Note == bringUp && r.State != stateApplied {
			lacking = append(lacking, m)
		}
	}
	return lacking
}

// bringingUp says that everything in the ledger came from bringing the empty
// database up, so that was interrupted.
func (f facts) bringingUp() bool {
	for _, r := range f.ledger {
		if r.Note != bringUp {
			return false
		}
	}
	return len(f.ledger) > 0
}

// find looks a version up in a map that people or other rooms keyed.
func find[T any](byVersion map[string]T, version string) (T, bool) {
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

func changedAfterApply(r *row, m executor.Migration) error {
	return fault.New(fault.ChangedAfterApply, "version %s was applied with another text (checksum %.12s, now %.12s)", m.Version, r.Checksum, m.Checksum).
		At(m.Path).Then("put the old text back and write the change as a new migration, or have the edit accepted")
}

func partlyApplied(r *row, path string) error {
	return fault.New(fault.Conflict, "version %s is partly applied (%d statements are done), so it can't be skipped", r.Version, r.done()).At(path).
		Then("correct the rest of the file and run it again; what is done stays")
}

// stillAmbiguous repeats the question that an earlier run left.
func stillAmbiguous(r *row, m executor.Migration) error {
	e := &executor.AmbiguousError{Version: m.Version, Path: m.Path, Evidence: "an earlier run was cut while it ran"}
	for n, s := range r.steps {
		if s.State == stepIntent {
			e.Statement = n
		}
	}
	if statements := script.Split(m.SQL); e.Statement > 0 && e.Statement <= len(statements) {
		e.Line = statements[e.Statement-1].Line
	}
	return e
}

const acceptedEdit = "edit accepted: "

func acceptNote(applied, accepted string) string {
	return fmt.Sprintf("%s%s; applied was %s", acceptedEdit, accepted, applied)
}

// accepted says that the ledger's note holds the acceptance of this text.
func accepted(r *row, checksum string) bool {
	return strings.Contains(r.Note, acceptedEdit+checksum)
}

func skipNote(m executor.Mark) string {
	return strings.TrimSpace(fmt.Sprintf("skipped by %s: %s", m.Actor, m.Reason))
}
