package queue

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
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

// skew is by how much the clocks of two nodes may differ. What is due at once is
// due by so much earlier, so that no node has to wait for its own clock.
const skew = time.Second

// dueIn is the time of a job that is due after a while.
func dueIn(now time.Time, after time.Duration) time.Time {
	if after <= 0 {
		return now.Add(-skew)
	}
	return now.Add(after)
}

// judge decides what a handler's error (or errExpired) means for its job. It is
// pure but for the jitter. released says that the handler was cancelled by the
// shutdown, so its error is no failure of the job.
func (o Options) judge(job Job, err error, now time.Time, released bool) verdict {
	var again *retryError
	switch {
	case err == nil:
		return verdict{outcome: OutcomeDone, state: Done, runAfter: now, attempts: job.Attempts}
	case errors.As(err, &again) && again.err == nil:
		return verdict{outcome: OutcomeAgain, state: Ready, runAfter: dueIn(now, again.after)}
	case released:
		return verdict{outcome: OutcomeReleased, state: Ready, runAfter: dueIn(now, 0), attempts: job.Attempts}
	}
	v := verdict{
		outcome: OutcomeFailed, state: Ready,
		runAfter: now.Add(o.backoff(job.Attempts)), attempts: o.failures(job, err),
		lastError: secret.Redact(err.Error()),
	}
	if again != nil {
		v.runAfter = dueIn(now, again.after)
	}
	if errors.Is(err, errExpired) {
		v.outcome, v.runAfter = OutcomeExpired, dueIn(now, 0) // it waited for its lease already
	}
	if isPermanent(err) || v.attempts >= o.MaxAttempts && !isOutside(err) {
		v.outcome, v.state, v.runAfter = OutcomeDead, Dead, now
	}
	return v
}

// isOutside says that somebody else did not answer: a forge, a database, the
// store. Being asked to come later is the same.
func isOutside(err error) bool { return fault.CodeOf(err) == fault.Unreachable }

// failures counts this one. What failed outside is not the job's fault: it lengthens
// the back-off, but uses up no more than half of the attempts, so the job outlives
// an outage of days and has attempts of its own left afterwards.
func (o Options) failures(job Job, err error) int {
	if isOutside(err) {
		return max(job.Attempts, min(job.Attempts+1, max(o.MaxAttempts/2, 1)))
	}
	return job.Attempts + 1
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
