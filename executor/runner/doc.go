// Package runner carries the decisions of one Apply call out, over as many
// sessions as it takes. The engines give it a Session: one connection that holds
// the database's lock.
//
//	Open (connect, lock, mint the epoch)
//	  └ Ledger → Resolve the run's answers → Decide → Compile (all files, before any runs)
//	      └ for each file: still mine? → carry out the verdict → report
//	  on a Lost connection: Open again, at most 3 times; the ledger says what is done
//
// # Progress
//
// A statement that takes longer than a second is looked at every second, through
// one more connection that is closed with the statement, if the Session is
// Observed. What is seen changes nothing: a server that shows nothing, or does not
// answer, delays nobody.
//
// # The end of a run
//
//	event                      the statement under way        the next one
//	the context is done        finishes, within Limits.Grace   is not started
//	Grace is over              is cancelled                    is not started
//	Run.Cancel is closed       is cancelled at once            is not started
//	StillMine says no          finishes                        is not started
//
// A statement is only ever cancelled on the run's own session. Its outcome is
// settled by the ledger, by the next run if it can't be at once.
//
// # What the engines' files share
//
// Retry tries a part again while others hold its locks, Timeouts are the limits
// that a file and its statements may lower, and Direct reads its directives.
//
// Nothing here knows a database product.
package runner
