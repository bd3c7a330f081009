package executor

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/secret"
)

// DefaultHistory is the ledger's history unless a project names another.
const DefaultHistory = "default"

// Engine opens targets of one database product. It is safe for concurrent use.
type Engine interface {
	// Name is the engine's name in configuration and output, e.g. "postgres".
	Name() string
	// Open names a target. There is no I/O, so there is no error: the URL is read
	// each time the target is used.
	Open(url secret.Source) Target
}

// Target is one physical database. It holds no connection between calls and is
// safe for concurrent use; two Apply calls on one database exclude each other,
// over all processes and machines.
//
// Every error has a fault code. unreachable and lock_timeout mean that calling
// again is safe and may succeed.
type Target interface {
	// Apply runs the migrations of the run that the ledger lacks, each exactly
	// once whatever dies when. The Result tells what was done also when there is
	// an error: a *Failure (a statement failed), an *AmbiguousError (a person must
	// resolve first), or a fault.Error.
	Apply(ctx context.Context, run Run) (Result, error)
	// Undo runs the Down text of the run's migrations, newest first, each exactly
	// once like Apply; a later Apply runs them again. One that was undone already
	// is only reported. Before anything runs it is a conflict when one isn't
	// applied here, or only partly, and unsupported when one has no Down. Folder,
	// Skip and Accept of the run play no part.
	Undo(ctx context.Context, run Run) (Result, error)
	// Status joins the ledger with the folder, by version. A database without a
	// ledger has everything pending. It takes no lock and writes nothing.
	Status(ctx context.Context, history string, folder []Migration) ([]Entry, error)
	// Baseline records the mark's migrations as already there. Those the ledger
	// knows are left as they are.
	Baseline(ctx context.Context, m Mark) error
	// Skip records that the mark's migrations will not run here. Where one was
	// applied, even partly, it is a conflict.
	Skip(ctx context.Context, m Mark) error
	// Resolve settles one ambiguous step; the next Apply goes on behind it, or
	// with it. A step that isn't ambiguous is a conflict.
	Resolve(ctx context.Context, r Resolution, m Mark) error
	// Catalog reads the database's schema as it is now.
	Catalog(ctx context.Context) (*catalog.Catalog, error)
	// Ping connects and disconnects.
	Ping(ctx context.Context) error
}

// Run is what to apply to one database and under which rules.
type Run struct {
	History    string      // "" means DefaultHistory
	Migrations []Migration // what to apply, in order
	// Folder is the whole folder at the release's commit, in order. Files older
	// than the run's that the ledger lacks stop the run, except on an empty
	// database, which is brought up from the first file. nil: no such check.
	Folder     []Migration
	Skip       map[string]Mark   // by version: audited skips, recorded where the migration isn't applied
	Accept     map[string]string // by version: checksum of an accepted edit; what was applied stays
	Resolve    []Resolution      // answers to ambiguous steps
	OutOfOrder bool              // versions below the newest applied one may run

	Release     string // who brings this: the release's id; "" on the command line
	Actor       string // the person or program behind it
	Task        string // names the session in pg_stat_activity
	ToolVersion string
	Limits      Limits
	// Role is what the files run as (SET ROLE); the ledger is written as the
	// login. "": the login. Only PostgreSQL has it.
	Role string

	// StillMine is asked after the lock is taken and before every file; an error
	// ends the run before the next one starts. nil: always.
	StillMine func(context.Context) error
	// Companion is another tool's history to be kept beside the ledger. nil: none.
	Companion Companion
	// Progress is called synchronously, one event at a time, so it must return
	// soon. May be nil.
	Progress func(Event)
	// Cancel, once closed, has the running statement cancelled at once, on the
	// run's own session only, and no other started. The error is then ErrCancelled,
	// unless the statement was through before; what the ledger can't tell is
	// ambiguous as always. nil: never.
	Cancel <-chan struct{}
}

// Limits bound what a run may do to the applications beside it. A zero value is
// the default.
type Limits struct {
	LockTimeout      time.Duration // longest wait for one lock; default 2s
	LockRetryFor     time.Duration // how long a refused lock is tried again; default 30m
	StatementTimeout time.Duration // longest statement; default none
	// Grace is how long a running file may go on after the context is done, before
	// it is cancelled and rolled back. Default: as long as it needs, so that
	// neither a lost lease nor a shutdown kills a running statement.
	Grace time.Duration
	// Online, "assert", refuses schema changes that would copy a table or stall
	// its writers, where the engine can have the server say so (MySQL, MariaDB).
	// Default: the server does as it thinks best.
	Online string
}

// The defaults of Limits.
const (
	DefaultLockTimeout  = 2 * time.Second
	DefaultLockRetryFor = 30 * time.Minute
)

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.LockTimeout <= 0 {
		l.LockTimeout = DefaultLockTimeout
	}
	if l.LockRetryFor <= 0 {
		l.LockRetryFor = DefaultLockRetryFor
	}
	return l
}

// Mark is a person's audited word about migrations.
type Mark struct {
	History     string // "" means DefaultHistory
	Migrations  []Migration
	Release     string
	Actor       string
	Reason      string
	ToolVersion string
	Limits      Limits // how long to wait for the database's lock
}

// Answer is what a person says about an ambiguous step.
type Answer string

// The two answers.
const (
	ResolvedApplied Answer = "applied" // it took effect: go on behind it
	ResolvedRetry   Answer = "retry"   // it did not: run it again
)

// Resolution settles step N of a version's file, as in "resolve 1.2#3 applied".
type Resolution struct {
	Version string
	N       int // 1-based number of the statement in the file
	Answer  Answer
}

// OutcomeKind is what became of one migration in one run.
type OutcomeKind string

// The kinds of outcomes.
const (
	Applied        OutcomeKind = "applied"
	AlreadyApplied OutcomeKind = "already_applied"
	Skipped        OutcomeKind = "skipped"
	Undone         OutcomeKind = "undone"
	AlreadyUndone  OutcomeKind = "already_undone"
)

// Outcome is what one run did with one migration.
type Outcome struct {
	Version    string
	Path       string
	Kind       OutcomeKind
	Duration   time.Duration
	Statements int      // statements of the text that ran; 0 unless Kind is Applied or Undone
	Notes      []string // what a reader should know, e.g. that BEGIN … COMMIT was stripped
}

// Result is what a run did, in the order it was done.
type Result struct{ Outcomes []Outcome }

// State is where a migration stands on one database; see the package's story.
type State string

// The states of the contract.
const (
	StatePending   State = "pending"
	StateApplied   State = "applied"
	StateChanged   State = "changed"
	StateMissing   State = "missing"
	StatePartial   State = "partial"
	StateAmbiguous State = "ambiguous"
	StateSkipped   State = "skipped"
	StateBaseline  State = "baseline"
	StateUndone    State = "undone" // its down file ran; a later run applies it again
)

// Entry is one migration's place in the ledger joined with the folder.
type Entry struct {
	Version   string
	Name      string
	Path      string // "" when the folder lacks it
	Kind      Kind
	Change    ChangeKind
	State     State
	Checksum  string        // the ledger's; the file's while pending
	AppliedAt time.Time     // zero unless it ran, or was marked, here
	Duration  time.Duration // 0 unless it ran here
	Done      int           // statements done
	Total     int           // statements of the file; 0 when the folder lacks it
	Release   string
	Actor     string
	Note      string // e.g. the reason of a skip, both checksums of an accepted edit
}

// EventState is what an Event reports.
type EventState string

// The states of events.
const (
	EventWaiting  EventState = "waiting"  // for the database's ShipSQL lock; Detail says who holds it
	EventRunning  EventState = "running"  // Statement starts
	EventProgress EventState = "progress" // Statement goes on: Phase, Done and Of; Detail says whose lock it waits for
	EventDone     EventState = "done"     // Statement is done, Rows were touched; EventApplied says that it is committed
	EventRetrying EventState = "retrying" // a lock wasn't had, or the connection broke: the file starts again; Detail says why
	EventApplied  EventState = "applied"  // the migration is committed
	EventSkipped  EventState = "skipped"  // the migration is recorded as skipped
	EventUndone   EventState = "undone"   // the migration was taken back, and that is committed
)

// Event is one step of progress.
type Event struct {
	Version   string
	Path      string
	Statement int // 1-based
	Total     int // statements of the file
	State     EventState
	Rows      int64
	Detail    string

	// Of EventProgress, as far as the server tells.
	Phase string // what it does, in its own words, e.g. "building index: scanning table"; "" unknown
	Done  int64  // how much of the phase is done, in Unit
	Of    int64  // all of the phase; 0: not known, or Done can pass it
	Unit  string // "blocks", "tuples", "bytes", "lockers", "permille" …
}
