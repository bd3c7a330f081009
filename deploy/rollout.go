package deploy

import (
	"slices"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// State is the state of a rollout, a stage or a task; doc.go has the tables.
type State string

// The states. Not every one applies to each of the three.
const (
	Waiting   State = "waiting"   // the gate is closed
	Queued    State = "queued"    // the gate was open: a worker will take it
	Running   State = "running"   // a worker has it (or died with it: another will)
	Done      State = "done"      // every migration is in the ledger
	Failed    State = "failed"    // the database or its server said no; retry, skip or fix
	Ambiguous State = "ambiguous" // the outcome can't be proven; a person resolves it
	Skipped   State = "skipped"   // nothing will run here, by an audited command
	Cancelled State = "cancelled" // stopped by a person; retry goes on
)

// Passed says that later stages and releases need not wait for this any more.
func (s State) Passed() bool { return s == Done || s == Skipped }

// Active says that a worker has the task or may take it at any moment.
func (s State) Active() bool { return s == Queued || s == Running }

// Rollout is a release's way through the environments, as views show it.
type Rollout struct {
	Release Release
	State   State
	Stages  []Stage // in rollout order
	// Problems and a refused branch show here too, so that a view needs nothing else.
	Refusal *Refusal
}

// MaxTasks is how many tasks a stage shows one by one.
const MaxTasks = 100

// Stage is one environment of a rollout.
type Stage struct {
	Environment string
	Mode        string // RolloutAuto or RolloutManual
	State       State
	Reasons     []Reason // why the gate is closed, or what needs a person; empty when nothing does
	Approvals   []Approval
	Needed      int // approvals needed; 0 when none are
	Counted     int // approvals that count now
	Approvers   []string
	Databases   []string // as configured now; shared, not to be changed
	// Tasks are those of the databases once the gate has been open: all of them,
	// by database, or the MaxTasks that need a person most.
	Tasks []Task
	// Counts has all tasks by state when Tasks does not; nil when it does.
	Counts     map[State]int
	Skips      []Skip // versions of this release skipped here
	StartedAt  time.Time
	FinishedAt time.Time
}

// In is how many of the stage's tasks are in one of the states.
func (s Stage) In(states ...State) int {
	n := 0
	for _, state := range states {
		n += s.Counts[state]
	}
	if s.Counts != nil {
		return n
	}
	for _, t := range s.Tasks {
		if slices.Contains(states, t.State) {
			n++
		}
	}
	return n
}

// Passed is how many of the stage's tasks are through.
func (s Stage) Passed() int { return s.In(Done, Skipped) }

// Total is how many tasks the stage has.
func (s Stage) Total() int {
	if s.Counts == nil {
		return len(s.Tasks)
	}
	n := 0
	for _, k := range s.Counts {
		n += k
	}
	return n
}

// Task is one database of a stage.
type Task struct {
	ID          string // ULID
	Release     string
	Environment string
	Database    string
	State       State
	Attempts    int // how many times a worker has started it
	Progress    Progress
	Failure     *Failure // of the last attempt; kept until the next one ends
	RetryAt     time.Time
	CreatedAt   time.Time
	StartedAt   time.Time // first start
	FinishedAt  time.Time
}

// Progress is how far a running task is.
type Progress struct {
	Version    string `json:"version"` // being applied
	Path       string `json:"path"`
	Statement  int    `json:"statement"` // 1-based, of Total
	Total      int    `json:"total"`
	State      string `json:"state"` // the executor's word for what is going on
	Rows       int64  `json:"rows"`
	Migrations int    `json:"migrations"` // finished so far, applied now or before
	Of         int    `json:"of"`
	// Of a statement that takes long, as far as the database tells.
	Phase     string `json:"phase,omitempty"`      // e.g. "building index: scanning table"
	PhaseDone int64  `json:"phase_done,omitempty"` // in Unit
	PhaseOf   int64  `json:"phase_of,omitempty"`   // 0 unknown
	Unit      string `json:"unit,omitempty"`
	// Waits says in whose way it is, or was when it was last refused a lock; it
	// holds names that any client of the database may choose.
	Waits string `json:"waits,omitempty"`
}

// Percent is how much of the phase is done; false when that isn't known.
func (p Progress) Percent() (int, bool) { return executor.Percent(p.PhaseDone, p.PhaseOf) }

// Failure is what stopped a task.
type Failure struct {
	Code      fault.Code `json:"code"`
	Version   string     `json:"version"`
	Path      string     `json:"path"`
	Statement int        `json:"statement"` // 1-based; 0 unknown
	Line      int        `json:"line"`      // 1-based; 0 unknown
	SQLState  string     `json:"sqlstate"`
	Message   string     `json:"message"` // untrusted text of the database, secrets redacted
	Detail    string     `json:"detail"`  // may hold personal data: mask on public projects
	Hint      string     `json:"hint"`
	Next      string     `json:"next"` // the executor's advice, e.g. the migrate command to run
	// Of an unreachable database: since when it is away, and how many attempts in
	// a row lost it midway.
	Since time.Time `json:"since,omitzero"`
	Lost  int       `json:"lost,omitempty"`
}

// Skip is the audited decision that a version, or a file that can't be applied
// at all, won't run in one environment.
type Skip struct {
	Release     string
	Version     string
	Path        string
	Environment string
	Actor       string
	Reason      string
	At          time.Time
}

// Refusal is a problem of the branch that stops the whole line, e.g. a
// force-push that took the cursor's commit away.
type Refusal struct {
	Code string    `json:"code"` // e.g. "not_ancestor"
	Text string    `json:"text"`
	Next string    `json:"next"`
	At   time.Time `json:"at"`
}

// rolloutState folds the stages' states into one.
func rolloutState(stages []Stage) State {
	passed, active, started := 0, false, false
	for _, s := range stages {
		switch s.State {
		case Ambiguous, Failed, Cancelled:
			return s.State
		case Queued, Running:
			active = true
		case Done, Skipped:
			passed++
			started = started || s.State == Done
		case Waiting:
		}
	}
	switch {
	case active:
		return Running
	case len(stages) > 0 && passed == len(stages) && !started:
		return Skipped
	case len(stages) > 0 && passed == len(stages):
		return Done
	}
	return Waiting // no stage at all is never success
}
