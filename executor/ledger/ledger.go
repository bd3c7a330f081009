package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/spool"
)

// The stored states of a migration; see executor.State for the words.
const (
	Applied   = string(executor.StateApplied)
	Partial   = string(executor.StatePartial)
	Ambiguous = string(executor.StateAmbiguous)
	Baseline  = string(executor.StateBaseline)
	Skipped   = string(executor.StateSkipped)
	Undone    = string(executor.StateUndone)
)

// The stored states of a step.
const (
	StepIntent  = "intent"  // about to run
	StepRunning = "running" // visible only inside its own transaction, or when something committed that behind our back
	StepDone    = "done"
)

// Ledger is one history of a target, by Key.
type Ledger map[string]*Row

// Row is one migration of the ledger.
type Row struct {
	Kind                                                 string // as stored; see Kind
	Version, Name, Checksum, State, Release, Actor, Note string
	ToolVersion                                          string // of the ShipSQL that wrote it
	StartedAt                                            time.Time
	FinishedAt                                           *time.Time // nil until its last step is done
	Steps                                                map[int]Step
	UndoSteps                                            map[int]Step // of its Down text; not nil while an undo is under way
}

// Place is where a history keeps the row.
func (r *Row) Place(history string) Place { return Place{History(history), r.Kind, r.Version} }

// UndoStep is the kind under which the steps of an undo are stored.
const UndoStep = "undo"

// Kind is how a migration's kind is stored.
func Kind(m executor.Migration) string {
	return string(cmp.Or(m.Kind, executor.Versioned))
}

// Place names a migration's row, or steps, as they are stored.
type Place struct{ History, Kind, Version string }

// PlaceOf is where a history keeps a migration that it does not know yet.
func PlaceOf(history string, m executor.Migration) Place {
	return Place{History(history), Kind(m), m.Version}
}

// Key is where a ledger keeps the row of a stored kind and version: versions that
// are equal by number share one.
func Key(kind, version string) string {
	if kind == string(executor.Versioned) {
		return executor.VersionKey(version)
	}
	return kind + ":" + version
}

// StepHash identifies the text of a statement in the ledger.
func StepHash(text string) string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(text, "\r\n", "\n")))
	spool.Passed(text)
	return hex.EncodeToString(sum[:])
}

// Step is one statement that could not share its migration's transaction.
type Step struct {
	N                    int // 1-based number in the file
	Hash, State          string
	Pre, Predicted, Post string // what was seen, and foreseen; the engine's own text
}

// Done counts the steps that are done: those of the undo, if one is under way.
func (r *Row) Done() int {
	n := 0
	for _, s := range r.underWay() {
		if s.State == StepDone {
			n++
		}
	}
	return n
}

// Put adds a row as it was read.
func (l Ledger) Put(r Row) {
	r.Steps = map[int]Step{}
	l[Key(r.Kind, r.Version)] = &r
}

// PutStep adds a step to the row of a stored kind and version, or of an undo. It
// is an error that there is none: rows and steps are read from one snapshot.
func (l Ledger) PutStep(kind, version string, s Step) error {
	undo := kind == UndoStep
	if undo {
		kind = string(executor.Versioned)
	}
	r := l[Key(kind, version)]
	switch {
	case r == nil:
		return Edited("it has step %s#%d and lacks the migration", version, s.N)
	case !undo:
		r.Steps[s.N] = s
	case r.UndoSteps == nil:
		r.UndoSteps = map[int]Step{s.N: s}
	default:
		r.UndoSteps[s.N] = s
	}
	return nil
}

// underWay returns the steps of the undo, if there is one, else those of the
// migration.
func (r *Row) underWay() map[int]Step {
	if r.UndoSteps != nil {
		return r.UndoSteps
	}
	return r.Steps
}

// asks says that a step of the row waits for an answer.
func (r *Row) asks() bool {
	for n := range r.underWay() {
		if r.asksFor(n) {
			return true
		}
	}
	return false
}

func (r *Row) asksFor(n int) bool {
	state := r.underWay()[n].State
	return r.State == Ambiguous && (state == StepIntent || state == StepRunning)
}

// Of returns the row of a migration, or nil.
func (l Ledger) Of(m executor.Migration) *Row { return l[Key(Kind(m), m.Version)] }

// Find returns the row of a version, or nil. Where a versioned migration and a
// baseline share a number it is the versioned one's.
func (l Ledger) Find(version string) *Row {
	for _, kind := range []executor.Kind{executor.Versioned, executor.Repeatable, executor.Baseline} {
		if r := l[Key(string(kind), version)]; r != nil {
			return r
		}
	}
	return nil
}

// Newest is the highest numeric version that took effect, "" if none did.
func (l Ledger) Newest() string {
	newest := ""
	for _, r := range l {
		if r.Kind == string(executor.Repeatable) || !executor.IsNumeric(r.Version) || r.State == Skipped || r.State == Undone {
			continue
		}
		if newest == "" || executor.CompareVersions(r.Version, newest) > 0 {
			newest = r.Version
		}
	}
	return newest
}

// base is the baseline migration that ran here, which the folder may have lost
// since; nil if there is none.
func (l Ledger) base() *executor.Migration {
	for _, r := range l {
		if r.Kind == string(executor.Baseline) && r.State != Skipped && r.State != Undone {
			return &executor.Migration{Version: r.Version, Kind: executor.Baseline}
		}
	}
	return nil
}

// Asks says that the ledger waits for this answer.
func (l Ledger) Asks(r executor.Resolution) bool {
	row := l.Find(r.Version)
	return row != nil && row.asksFor(r.N)
}

// History is the name under which a run's rows are stored.
func History(name string) string {
	if name == "" {
		return executor.DefaultHistory
	}
	return name
}
