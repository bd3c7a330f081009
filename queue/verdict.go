package queue

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// Outcome is how one attempt ended, for metrics.
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeDone     Outcome = "done"
	OutcomeAgain    Outcome = "again"    // the handler asked to run again, without an error
	OutcomeFailed   Outcome = "failed"   // another attempt follows
	OutcomeDead     Outcome = "dead"     // no other attempt follows
	OutcomeReleased Outcome = "released" // given back at shutdown
	OutcomeExpired  Outcome = "expired"  // the worker died or could not renew
	OutcomeLost     Outcome = "lost"     // finished, but another worker had the job by then
)

// verdict is what becomes of a claimed job.
type verdict struct {
	outcome   Outcome
	state     State
	runAfter  time.Time
	attempts  int
	lastError string
}

// errExpired is the failure of an attempt whose worker was not heard of again.
var errExpired = errors.New("the worker died or lost touch with the store: its lease expired")

// judge decides what a handler's error (or errExpired) means for its job. It is
// pure but for the jitter. released says that the handler was cancelled by the
// shutdown, so its error is no failure of the job.
func (o Options) judge(job Job, err error, now time.Time, released bool) verdict {
	var again *retryError
	switch {
	case err == nil:
		return verdict{outcome: OutcomeDone, state: Done, runAfter: now, attempts: job.Attempts}
	case errors.As(err, &again) && again.err == nil:
		return verdict{outcome: OutcomeAgain, state: Ready, runAfter: now.Add(again.after)}
	case released:
		return verdict{outcome: OutcomeReleased, state: Ready, runAfter: now, attempts: job.Attempts}
	}
	v := verdict{
		outcome: OutcomeFailed, state: Ready,
		runAfter: now.Add(o.backoff(job.Attempts)), attempts: job.Attempts + 1,
		lastError: secret.Redact(err.Error()),
	}
	if again != nil {
		v.runAfter = now.Add(again.after)
	}
	if errors.Is(err, errExpired) {
		v.outcome, v.runAfter = OutcomeExpired, now // it waited for its lease already
	}
	if isPermanent(err) || v.attempts >= o.MaxAttempts {
		v.outcome, v.state, v.runAfter = OutcomeDead, Dead, now
	}
	return v
}

// backoff is the wait after so many earlier failures: doubled each time up to
// BackoffMax, then between half and all of it at random, so that jobs that failed
// together don't come back together.
func (o Options) backoff(failures int) time.Duration {
	wait := o.BackoffMin
	for range failures {
		if wait *= 2; wait >= o.BackoffMax {
			break
		}
	}
	wait = min(wait, o.BackoffMax)
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // a jitter is no secret
}
