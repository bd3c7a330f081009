package runner

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

// Open connects, takes the database's lock and mints the epoch of a run.
type Open func(ctx context.Context, run executor.Run) (Session, error)

// Session is the connection of one run, which holds the database's lock. Its
// errors are faults; *Lost asks for a new session.
type Session interface {
	Ledger(ctx context.Context, history string) (ledger.Ledger, error)
	// Empty says that the database holds nothing that anybody made.
	Empty(ctx context.Context) (bool, error)
	// Compile checks the files of all decisions and plans how they run. The first
	// thing that must not run is a *executor.Failure, before anything of any file
	// ran. It returns one File for each decision, in order.
	Compile(ctx context.Context, decisions []ledger.Decision) ([]File, error)
	// Resolve settles a step that the ledger asks about (ledger.Ledger.Asks).
	Resolve(ctx context.Context, l ledger.Ledger, r executor.Resolution, m executor.Mark) error
	// Mark records migrations in a state that needs no run. Those the ledger knows
	// are left as they are.
	Mark(ctx context.Context, m executor.Mark, state, note string) error
	// AddNote adds to what the ledger says about a migration.
	AddNote(ctx context.Context, r *ledger.Row, note string) error
	Close(ctx context.Context)
}

// File is one migration that is ready to run on the session that compiled it.
type File interface {
	// Run runs the migration, or the rest of it. ctx ends the run before the next
	// statement; work is what the statement under way runs with, and ends later.
	Run(ctx, work context.Context) error
	Decision() *ledger.Decision
	Total() int      // statements of the file
	Notes() []string // what a reader should know, e.g. that BEGIN … COMMIT was stripped
}

// Lost is a connection that broke: a new one may go on.
type Lost struct {
	Err error
	// Final says that a statement of the file ran, which isn't tried again: a new
	// session reads in the ledger whether it was committed, and if not, the run
	// ends with Err.
	Final bool
}

// Error is the cause's.
func (e *Lost) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Lost) Unwrap() error { return e.Err }

// StillMine ends the run when it was cancelled or its job went to another.
func StillMine(ctx context.Context, run executor.Run) error {
	select {
	case <-run.Cancel: // before ctx may have heard of it
		return executor.ErrCancelled
	default:
	}
	if ctx.Err() != nil {
		return Interrupted(ctx)
	}
	if run.StillMine == nil {
		return nil
	}
	return run.StillMine(ctx)
}

// Interrupted is the error of a run whose context is done.
func Interrupted(ctx context.Context) error {
	if IsCancelled(ctx) {
		return executor.ErrCancelled
	}
	return fault.New(fault.Unreachable, "the run was interrupted").Because(context.Cause(ctx)).Then("trying again is safe")
}

// Progress tells whoever follows the run.
func Progress(run executor.Run, e executor.Event) {
	if run.Progress != nil {
		run.Progress(e)
	}
}

// Pause waits with jitter, longer from attempt to attempt up to the most.
func Pause(ctx context.Context, attempt int, most time.Duration) error {
	return pause(ctx, min(most, 20*time.Millisecond<<min(attempt, 16)))
}

// longestPass is how long a run that waits for a lock lets others pass at most.
const longestPass = 30 * time.Second

// LetPass waits after an attempt that stalled others while it waited for its
// lock: at least as long as it stalled them, and twice as long from attempt to
// attempt, so that they get the larger part of the time.
func LetPass(ctx context.Context, attempt int, stalled time.Duration) error {
	d := max(stalled, 100*time.Millisecond) << min(attempt, 8)
	return pause(ctx, min(longestPass, 2*d))
}

// pause waits for between half of d and one and a half.
func pause(ctx context.Context, d time.Duration) error {
	d = d/2 + rand.N(d) //nolint:gosec // jitter, no secret
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return Interrupted(ctx)
	case <-timer.C:
		return nil
	}
}
