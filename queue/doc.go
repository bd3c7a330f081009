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
// Idle workers listen to the bell. One that is woken asks the store for the jobs
// that are due longest, claims one by compare-and-set on its id, wakes a
// colleague in case there is more, runs the handler while renewing the lease, and
// writes down what became of it. The other jobs that it saw are claimed without
// another look, for a second. Workers that want a job at about the same time share
// a claim, of one kind and pool, and what is done at about the same time is written
// in one statement (internal/batch). Who is done looks for a job at once, and so
// finds the next one of its key; only other endings ring for that.
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
//	running  …with fault.Unreachable                ready    attempts + 1 up to half, after a back-off
//	running  handler returns Permanent(err)         dead     DeadHandler in the same transaction
//	running  process stops before the job ends      ready    at once, not a failure
//	running  lease expires                          ready    attempts + 1, at once (or dead, as above)
//	dead     Revive                                 ready    attempts 0
//	dead     Discard                                (none)
//	done     KeepDone has passed                    (none)
//
// A coalescing job that returns to ready while a newer one of its kind and key is
// ready becomes done instead: the newer one does the work.
//
// # One at a time, in order
//
// A unique index on the key of running jobs makes two at once impossible. What is
// due longest goes first, but for what became due within the last second. A job
// waits while an older one of its kind and key waits for another attempt after a
// failure, so jobs of one kind and key keep their order over failures; a failing
// job does not hold up the other kinds of its key. What is only scheduled for later
// (RunAfter, Retry without an error) lets others pass.
//
// # On several nodes
//
// A claim, a renewal and a settlement are one UPDATE each that names what must
// still hold (state, fence, lease), so they need no writer's turn. PostgreSQL runs
// them READ COMMITTED: a statement sees what was committed before it began, and
// when it waited for another's change to its row it checks the row again.
//
//   - Two claim one job: the second waits for the row, finds it running, has nothing.
//   - Two claim two jobs of a key, each seeing none running: the unique index on the
//     key of running jobs makes the second wait and fail, with all that it claimed
//     at once; it looks again.
//   - A claim asks whether an older one of its kind and key is due, failed or runs.
//     Whatever moment it sees, that one is in one of these states until it is over.
//   - A lease that was renewed, or taken back, meanwhile: the other's UPDATE checks
//     fence and lease again and changes nothing.
//   - A coalescing job comes while its like is claimed: the insert waits for the
//     claim and then adds a new row, or is first and the claim has the new payload.
//   - A coalescing job comes while its like returns to ready: the unique index makes
//     the second wait; the return fails, looks again and is done.
//
// Order is the order of ids, which begin with the store's time: of jobs that two
// nodes enqueue within the difference of their clocks, either may be the older.
// What is due at once is due a second earlier, so that no node waits for its clock.
//
// While the store is away nobody can renew. Who found it away therefore waits a
// lease's time after its return before it takes anything back, and who finished a
// job writes that down again and again. Processes that work say so every few
// seconds ([Queue.Workers], [Queue.OnlinePools]).
//
// # Leases and fences
//
// A worker holds a claim for Options.Lease and renews it. When it dies, or can't
// reach the store for that long, another takes the job under a higher fence; the
// old claim can neither renew nor settle any more. A handler that was overtaken
// is not interrupted: it asks StillMine before each step that must not be done
// twice. Times come from the store's clock.
package queue
