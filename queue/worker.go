package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/shipsql/shipsql/store"
)

// cancelPatience is what handlers get to return once their context is cancelled.
const cancelPatience = 2 * time.Second

// Run works until ctx is done, then takes no more jobs, gives the running ones
// Options.Grace to finish, cancels the rest and returns. What does not return
// even then is left to its lease, and is the error.
func (q *Queue) Run(ctx context.Context) error {
	q.setStopping(false)
	// Handlers outlive ctx by the grace time.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	rings, err := q.bell.Listen(ctx)
	if err != nil {
		q.log.Warn("The bell can't be heard; workers find jobs by polling", "error", err)
	}
	q.setSelf(q.ids.At(q.db.Now())) // before the first job asks who is online
	var workers, side sync.WaitGroup
	side.Go(func() { q.heartbeat(ctx) })
	side.Go(func() { q.reconcile(ctx) })
	for range q.options.Workers {
		workers.Go(func() { q.worker(ctx, work, rings) })
	}
	<-ctx.Done()
	q.setStopping(true)
	side.Wait()
	finished := make(chan struct{})
	go func() { workers.Wait(); close(finished) }()
	return q.drain(finished, cancel)
}

// drain waits for the workers: the grace time, then a little after the cancel.
func (q *Queue) drain(finished <-chan struct{}, cancel func()) error {
	select {
	case <-finished:
		return nil
	case <-time.After(q.options.Grace):
	}
	cancel()
	select {
	case <-finished:
		return nil
	case <-time.After(cancelPatience):
		return fmt.Errorf("some jobs did not stop within %s; another worker takes them when their lease ends", q.options.Grace)
	}
}

// worker runs one job after the other. Only an idle worker listens, so a ring
// goes to a process that has the time.
func (q *Queue) worker(ctx, work context.Context, rings <-chan string) {
	for ctx.Err() == nil {
		if job, ok := q.take(ctx); ok {
			q.nudge() // there may be more for an idle colleague
			q.attempt(work, job)
			continue
		}
		select {
		case <-ctx.Done():
		case <-q.nudges:
		case _, open := <-rings:
			if !open {
				rings = nil
			}
		}
	}
}

// attempt runs a claimed job once and settles it.
func (q *Queue) attempt(work context.Context, job Job) {
	defer q.countActive(job.Kind, -1)
	work, span := traced(work, job)
	ctx, end := context.WithCancel(work)
	var renewing sync.WaitGroup
	renewing.Go(func() { q.renew(ctx, job) })
	started := time.Now()
	err := q.call(ctx, job)
	end()
	renewing.Wait()
	v := q.settle(work, job, err)
	endSpan(span, v)
	if q.options.Observe != nil {
		q.options.Observe(job.Kind, v.outcome, time.Since(started))
	}
}

// call runs the handler; a panic becomes an error.
func (q *Queue) call(ctx context.Context, job Job) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return q.handlers[job.Kind](ctx, job)
}

// renew keeps the lease until ctx is done or the lease is lost.
func (q *Queue) renew(ctx context.Context, job Job) {
	tick := time.NewTicker(q.options.Renew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := q.jobs.renew(ctx, job)
		if errors.Is(err, errLost) {
			q.log.Warn("A job's lease was lost while it ran", jobFields(job)...)
			return
		}
		q.heard(ctx, err)
	}
}

// settle writes what became of the attempt and rings for who waited for it. It
// returns the verdict that holds.
func (q *Queue) settle(work context.Context, job Job, cause error) verdict {
	released := q.Stopping() && (!isPermanent(cause) || errors.Is(cause, context.Canceled))
	v := q.options.judge(job, cause, q.db.Now(), released)
	err := q.writeUntilHeard(work, job, ending{verdict: v, cause: cause})
	switch {
	case errors.Is(err, errLost):
		q.log.Warn("A job was finished after its lease was lost", jobFields(job)...)
		return verdict{outcome: OutcomeLost}
	case err != nil: // the lease will bring it back
		q.log.Error("A finished job could not be written down; it will run again", jobFields(job, "error", err)...)
		return verdict{outcome: OutcomeLost, lastError: v.lastError}
	}
	q.report(job, v)
	work = context.WithoutCancel(work)
	if v.state == Ready && v.runAfter.After(q.db.Now()) {
		q.ringAt(work, job.ID, v.runAfter)
	}
	// Who is done looks for a job at once, and would find the key's next one.
	if v.state != Done || q.Stopping() {
		q.ringNext(work, job.Key)
	}
	return v
}

// ending is how a claim ends.
type ending struct {
	verdict     verdict
	cause       error
	leaseBefore time.Time // only if the lease ended before; zero: in any case
}

// settlePause is between two tries to write an ending to a store that is away.
const settlePause = time.Second

// writeUntilHeard writes the ending, again and again if the store is away: the job
// is done, and would else be done twice. It ends when another has the job, at the
// latest a lease after the store is back, or with work. An error of who is told of
// a dead job is not the store's: the lease will bring the job back.
func (q *Queue) writeUntilHeard(work context.Context, job Job, e ending) error {
	for {
		err := q.write(context.WithoutCancel(work), job, e)
		if err == nil || errors.Is(err, errLost) || errors.Is(err, errUntold) {
			return err
		}
		q.heard(work, fmt.Errorf("write down how job %s ended: %w", job.ID, err))
		select {
		case <-work.Done():
			return err
		case <-time.After(settlePause):
		}
	}
}

// errUntold: who must be told that a job is dead could not act on it.
var errUntold = errors.New("the job's end could not be told")

// write ends a claim in a transaction. Who cares for dead jobs is told in it, and
// has the writer's turn, as any other room's transaction.
func (q *Queue) write(ctx context.Context, job Job, e ending) error {
	ctx, cancel := q.jobs.bounded(ctx)
	defer cancel()
	tell := q.onDead[job.Kind]
	if tell == nil || e.verdict.state != Dead {
		return q.writeBeside(ctx, job, e)
	}
	return q.db.Tx(ctx, func(tx *store.Tx) error {
		if err := q.jobs.settle(ctx, tx, job, e); err != nil {
			return err
		}
		if err := tell(ctx, tx, job, e.cause); err != nil {
			return fmt.Errorf("%w: %w", errUntold, err)
		}
		return nil
	})
}

// writeBeside ends a claim beside other transactions. A coalescing job that wants
// to be ready again may meet a newer one that was added since it looked; when it
// looks again the newer one is there, or has gone on.
func (q *Queue) writeBeside(ctx context.Context, job Job, e ending) (err error) {
	switch e.verdict.state {
	case Done:
		return q.writeDone(ctx, job)
	case Ready:
	default:
		return q.jobs.settle(ctx, q.db, job, e) // one statement
	}
	const looks = 5
	for range looks {
		err = q.db.TxUnordered(ctx, func(tx *store.Tx) error { return q.jobs.settle(ctx, tx, job, e) })
		if !store.IsUnique(err) {
			return err
		}
	}
	return err
}

// writeDone ends a claim whose work is done, with others that end meanwhile.
func (q *Queue) writeDone(ctx context.Context, job Job) error {
	held, err := q.done.Do(ctx, job)
	if err == nil && !held {
		err = errLost
	}
	return err
}

func (q *Queue) finishAll(claims []Job) (held []bool, err error) {
	ctx, cancel := q.jobs.bounded(context.Background())
	defer cancel()
	return q.jobs.finish(ctx, claims)
}

// report logs what an operator should know.
func (q *Queue) report(job Job, v verdict) {
	switch v.outcome {
	case OutcomeDead:
		q.log.Error("A job was given up", jobFields(job, "error", v.lastError)...)
	case OutcomeFailed, OutcomeExpired:
		q.log.Warn("A job failed and will run again", jobFields(job, "error", v.lastError)...)
	default:
		q.log.Debug("A job ended: "+string(v.outcome), jobFields(job)...)
	}
}

// ringNext wakes a worker for the job that is now first of the key.
func (q *Queue) ringNext(ctx context.Context, key string) {
	id, err := q.jobs.next(ctx, key)
	q.heard(ctx, err)
	if id != "" {
		q.ring(ctx, id)
	}
}

func (q *Queue) countActive(kind string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.active[kind] += n
}

func (q *Queue) setStopping(stopping bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopping = stopping
}

// nudge wakes one idle worker of this process, now or when there is one.
func (q *Queue) nudge() {
	select {
	case q.nudges <- struct{}{}:
	default:
	}
}

func jobFields(job Job, more ...any) []any {
	return append([]any{"job", job.ID, "kind", job.Kind, "key", job.Key, "attempts", job.Attempts}, more...)
}
