// Package deploy is the domain of ShipSQL: releases and their way through the
// environments to every database. It knows nothing of forges: pull requests
// are numbers, people are logins, and who may do what is asked of an
// [Authority] that the bot implements.
//
// # The story
//
// The bot walks a project's branch and hands each merge to [Service.Advance]:
// cursor and releases are stored in one transaction, with every file's bytes,
// so that from here on nobody needs the forge to apply anything. A merged file
// that can't be applied, or a change of what was released before, is recorded
// as a [Problem] of its release and closes its gates until somebody answers it.
//
// [Decide] is the heart: a pure function from [Facts] (the project's unfinished
// releases, what people said, what the forge says of them) to a [Decision] on
// every stage. settle carries a decision out. It runs inside the transaction of
// whatever changed the facts: a command, the end of a task, the passing of time.
// The Authority is asked before the transaction; what it did not answer counts
// as no.
//
// A task is run by [Service] from a job that is only a ring on a database: which
// task is next, the tasks' rows say, whatever the job names. The gate is judged once
// more, the row marked running, the executor applies exactly the release's
// migrations, and the result is written only by the attempt that still owns the
// row. A worker that dies leaves the row running, and the next ring on that database
// takes it up; that every effect happens once is the ledger's work (executor).
//
// # Ten thousand databases
//
// What a task costs here does not depend on how many databases its stage has.
// Facts count tasks (by state and pool) and hold only the first that are in
// trouble; a stage's tasks are made and queued in batches, each a transaction; and
// the end of a task has gates evaluated only when it was the stage's last under
// way or something went wrong.
//
// A worker that starts a task judges the gate by the project's line as it was last
// read, and marks the row running only if that is still the project's revision
// (deploy_projects.revision). Every row of the audit but a task's own, and every
// change of a stage, moves the revision on: if it moved, the line is read anew. So
// each task starts behind a gate that was open at that very moment, and nothing is
// read for it: its job names it, and one statement finds out whether it is as the
// job says and nothing else is due on its database. What the Authority says is
// asked for each task, what the clock says too. Tasks that start, or end, at about
// the same time share a transaction and its statements (startAll, endAll).
//
// # Pools
//
// A database belongs to a pool of workers (Database.Worker), which alone reach it.
// A gate that is open lets go the databases of those pools that have a worker
// online; the others wait, the stage says for what ([GateNoWorker]), and what was
// queued for a pool is taken back when its last worker goes. While a stage waits so,
// it is looked at again every few seconds.
//
// # After a store restore
//
// The ledgers win: the branch is walked again from the restored cursor, its releases
// roll out again, the executor finds each migration in the ledger, and the store is
// right again.
//
// # Problems
//
//	code              opened by a merge that …          ended by
//	unreadable        adds a file nobody can apply       a fix merged later, skip
//	duplicate_version adds a version another file has    the file's deletion or renaming, skip
//	below_newest      adds a version below the newest    the file's deletion or renaming, skip
//	edited            changes an applied file's text     accept-edit, putting the text back
//	renamed           renames an applied file            accept-edit
//	deleted           deletes an applied file            accept-edit
//
// A change of a file that no ledger can hold needs nobody's word: the release
// that brought the file takes the new text in its place in the line, and its
// hash changes, so that it is reviewed and approved anew.
//
// # A release
//
//	from        event                                         to
//	            Advance                                       unfinished
//	unfinished  every stage of the project's road has passed  finished
//
// A project's unfinished releases, in merge order, are its line. In every
// environment they pass in that order.
//
// # A stage: one release in one environment
//
//	from                        event                                              to
//	waiting                     all gates open, a worker online for some pool      queued
//	queued                      a worker takes a task                              running
//	queued, running             the gate closes, no task runs                      waiting
//	queued, running             no task is active, one's outcome is unproven       ambiguous
//	queued, running             no task is active, one failed                      failed
//	queued, running             every task is done                                 done
//	any but done and skipped    cancel, and nothing runs any more                  cancelled
//	failed, cancelled           retry                                              waiting
//	ambiguous                   resolve                                            waiting
//	any but done and skipped    nothing left to run: skip, or deleted by a merge   skipped
//	done, skipped               (final)
//
// # A task: one database of a stage
//
//	from       event                                                     to
//	           the stage's gate opens for the first time                 waiting
//	queued     a worker takes it, the gate is still open                 running
//	queued     the gate has closed, or no worker of its pool is left     waiting
//	waiting    the gate is open, a worker of its pool online             queued
//	running    the executor applied everything                           done
//	running    the executor says why not                                 failed
//	running    the executor can't prove a step's outcome                 ambiguous
//	running    a lock was not had, or the database was lost midway       queued, for later
//	running    the stage was cancelled, and the file under way is over   cancelled
//	running    cancelled twice: the statement under way is cancelled     cancelled
//	running    its worker died and the next one finds the gate closed    waiting
//	running    its worker died and the next one finds the gate open      running
//	failed     retry; its version was skipped or edited                  waiting
//	cancelled  retry                                                     waiting
//	ambiguous  resolve                                                   waiting
//	any but done, running, ambiguous   the stage is skipped              skipped
//
// A cancelled stage finishes the files under way. Said once more, in another
// comment, cancel is the person's word for the running statements: the worker that
// runs one hears of it within a second or two and has the executor end it on its
// own session. What became of it the ledger says, as always: an outcome that can't
// be proven is ambiguous, cancelled or not.
//
// # A migration's name
//
// Within a project each has a name of its own: its version, "B10" of a baseline,
// "10@prod/orders" where the path selects where it goes, a changeset's
// "path::id::author". On one database the executor knows it by its version.
// A merge is compared with its parent commit migration by migration, so that only
// the part of a file that is applied counts. What is repeatable belongs to each
// release that brings another text of it.
//
// # An approval
//
// It names (release, content hash, environment) and is never changed. Whether it
// counts is judged at every look, again when a task starts:
//
//	it does not count because   until
//	content_changed             (never: the text is another now)
//	expired                     (never: 7 days are over)
//	rejected                    (never: somebody rejected after it)
//	not_eligible                the person may again
//	unknown, unchecked          the forge can say
//
// An approval with a reason given by --despite-findings also opens the review's
// gate, in every environment, unless it is by one of the change's own people.
//
// # The audit
//
// Every decision of a person or of ShipSQL is a row of deploy_audit, written in
// the transaction that carries it out. Rows are chained by hash;
// [Service.VerifyAudit] finds the first one that was tampered with.
package deploy
