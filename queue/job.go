package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/store"
)

// State is where a job stands; see the table in the package comment.
type State string

// The states of a job.
const (
	Ready   State = "ready"   // waits for its time, its turn and a worker
	Running State = "running" // leased to a worker
	Done    State = "done"    // handled; forgotten after Options.KeepDone
	Dead    State = "dead"    // given up; kept until revived or discarded
)

// Job is a claimed job, as its handler sees it.
type Job struct {
	ID       string
	Kind     string
	Key      string
	Pool     string
	Payload  []byte // JSON
	Attempts int    // failed attempts before this one
	// Fence is the number of this claim; every claim of a job has a higher one.
	Fence   int64
	Created time.Time
	Trace   string // W3C traceparent of what enqueued it; "" for none
}

// NewJob is a job to enqueue.
type NewJob struct {
	Kind, Key string
	Payload   any       // marshalled to JSON
	RunAfter  time.Time // not before; zero: now
	Pool      string    // workers that may run it; "": those without a pool
	Trace     string    // see [TraceOf]; "": that of Enqueue's context
	// Coalesce joins this job with one of the same kind and key that is still
	// ready, if that was enqueued with Coalesce too: one job remains, in the
	// older one's place, with this payload, the earlier time and no failures.
	Coalesce bool
}

// Handler does a job's work. An error means another attempt later (see Retry and
// Permanent), so a handler must do no harm when it runs twice. A panic is an
// error. ctx is cancelled when the process stops and Options.Grace has passed;
// what the handler then returns does not count as a failure. Losing the lease
// does not cancel ctx: before a step that must not run twice, ask
// [Queue.StillMine].
type Handler func(ctx context.Context, job Job) error

// DeadHandler is told, in the transaction that gives the job up, that no
// attempt will follow; cause is the last attempt's error.
type DeadHandler func(ctx context.Context, tx *store.Tx, job Job, cause error) error

// Bell wakes workers. It may lose rings, or ring twice: the store says what is
// runnable, and the reconciler rings again for it.
type Bell interface {
	// Ring says that the jobs may be runnable. It does not block for long.
	Ring(ctx context.Context, ids ...string) error
	// Listen delivers rings until ctx is done or the bell closed, then closes the
	// channel. Each ring goes to one listener, over all processes on the bell.
	Listen(ctx context.Context) (<-chan string, error)
	// Close ends all listeners. A later Ring is an error.
	Close() error
}

// Retry is a handler's wish to run again after a while. With a nil err that is no
// failure and the count of failures starts anew; else it counts as a failed
// attempt whose back-off is after.
func Retry(after time.Duration, err error) error { return &retryError{after: after, err: err} }

type retryError struct {
	after time.Duration
	err   error // may be nil
}

func (e *retryError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("again in %s", e.after)
	}
	return e.err.Error()
}

func (e *retryError) Unwrap() error { return e.err }

// Permanent is a handler's word that another attempt is useless: the job is dead
// at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}
