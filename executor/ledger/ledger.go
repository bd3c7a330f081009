package ledger

import (
	"time"

	"github.com/shipsql/shipsql/executor"
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

// Ledger is one history of a target, by executor.VersionKey.
type Ledger map[string]*Row

// Row is one migration of the ledger.
type Row struct {
	Version, Name, Checksum, State, Release, Actor, Note string
	StartedAt                                            time.Time
	FinishedAt                                           *time.Time // nil until its last step is done
	Steps                                                map[int]Step
}

// Step is one statement that could not share its migration's transaction.
type Step struct {
	N                    int // 1-based number in the file
	Hash, State          string
	Pre, Predicted, Post string // what was seen, and foreseen; the engine's own text
}

// Done counts the steps that are done.
func (r *Row) Done() int {
	n := 0
	for _, s := range r.Steps {
		if s.State == StepDone {
			n++
		}
	}
	return n
}

// Find returns the row of a version, or nil.
func (l Ledger) Find(version string) *Row { return l[executor.VersionKey(version)] }

// Newest is the highest version that took effect, "" if none did.
func (l Ledger) Newest() string {
	newest := ""
	for _, r := range l {
		if r.State == Skipped || r.State == Undone {
			continue
		}
		if newest == "" || executor.CompareVersions(r.Version, newest) > 0 {
			newest = r.Version
		}
	}
	return newest
}

// Asks says that the ledger waits for this answer.
func (l Ledger) Asks(r executor.Resolution) bool {
	row := l.Find(r.Version)
	if row == nil || row.State != Ambiguous {
		return false
	}
	state := row.Steps[r.N].State
	return state == StepIntent || state == StepRunning
}

// History is the name under which a run's rows are stored.
func History(name string) string {
	if name == "" {
		return executor.DefaultHistory
	}
	return name
}
