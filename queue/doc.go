// Package queue keeps durable jobs in the store and runs them: every job at
// least once, one at a time per key, in the order they were enqueued. It does not
// know what a job means.
//
// # Parts
//
// The store is the truth. Enqueue writes a job in the caller's transaction, so a
// job exists exactly if what it follows from does. A [Bell] only wakes workers;
// bell.Local rings inside one process, redisbell between processes. A lost ring,
// or a lost Redis, costs time and never work: the reconciler looks at the store
// every few seconds, takes back what dead workers held and rings again.
//
// Idle workers listen to the bell. One that is woken asks the store for the
// oldest job that may run, claims it by compare-and-set on its id, wakes a
// colleague in case there is more, runs the handler while renewing the lease, and
// writes down what became of it.
//
// # States
//
//	state    event                                  next     what changes
//	-------  -------------------------------------  -------  ---------------------------------------
//	(none)   Enqueue                                ready
//	ready    Enqueue with Coalesce, same kind, key  ready    newest payload, earlier time, attempts 0
//	ready    claim (due, nothing before it)         running  fence + 1, lease from now
//	running  renewal by the fence's holder          running  lease from now
//	running  handler returns nil                    done
//	running  handler returns Retry(after, nil)      ready    attempts 0, after
//	running  handler fails or panics                ready    attempts + 1, after a back-off
//	running  …for the MaxAttempts-th time           dead     DeadHandler in the same transaction
//	running  handler returns Permanent(err)         dead     DeadHandler in the same transaction
//	running  process stops before the job ends      ready    at once, not a failure
//	running  lease expires                          ready    attempts + 1, at once (or dead, as above)
//	dead     Revive                                 ready    attempts 0
//	done     KeepDone has passed                    (none)
//
// A coalescing job that returns to ready while a newer one of its kind and key is
// ready becomes done instead: the newer one does the work.
//
// # One at a time, in order
//
// A unique index on the key of running jobs makes two at once impossible. Of what
// is due, the oldest goes first. A job waits while an older one of its kind and
// key waits for another attempt after a failure, so jobs of one kind and key keep
// their order over failures; a failing job does not hold up the other kinds of its
// key. What is only scheduled for later (RunAfter, Retry without an error) lets
// others pass.
//
// # Leases and fences
//
// A worker holds a claim for Options.Lease and renews it. When it dies, or can't
// reach the store for that long, another takes the job under a higher fence; the
// old claim can neither renew nor settle any more. A handler that was overtaken
// is not interrupted: it asks StillMine before each step that must not be done
// twice. Times come from the store's clock.
package queue
