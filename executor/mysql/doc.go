// Package mysql applies migrations to MySQL and MariaDB exactly once.
//
// # The protocol
//
// Each run opens one connection, without pool: database/sql could not make
// another, so no statement is ever sent twice behind our back. On that very
// session it takes the database's lock, asks whether the job is still ours, and
// mints an epoch in the table shipsql_meta, which names the session. From then on
// all that we write locks that row, compares the epoch, and asks whether the session
// still has the lock. So a run that was overtaken can't commit anything; and what
// is committed before a statement runs makes sure that the lock is still ours.
//
// The ledger is written through a second connection, a whole transaction in one
// round trip, which costs as much as a small change there: the fence is its first
// statement, and fails, so that nothing behind it runs. Only what must share a
// transaction with a file's rows is written on the session itself.
//
// These servers commit each change of the schema by itself, so the ledger counts
// statements. How a statement runs depends on what it is:
//
//	rows   INSERT, UPDATE, DELETE, REPLACE whose tables a transaction covers:
//	       neighbours share one, together with their steps
//	alone  any other: between intent and done, each committed
//	idle   SET, SELECT …, which change nothing but the session: noted with the next
//
// A step moves like this:
//
//	step     event                                            to
//	(no row) rows: inside of their transaction                running
//	running  rows: with the COMMIT of that transaction        done
//	(no row) alone: about to run; what is there is observed   intent
//	intent   alone: ran                                       done
//	intent   the server refused it, and nothing is left of it (no row)
//	intent   rows, of a version that noted them before        runs again
//	running  found by the next run: a part of a transaction
//	         was committed behind our back                    the migration is ambiguous
//	intent   alone, found by the next run: see below          done, runs again, or ambiguous
//
// Of neighbours that run alone, one transaction records the end of the first and the
// intent of the second, in the same file or the next one: a flush for each statement
// instead of two. That makes the time longer in which an intent stands for what was
// not sent. So only those are announced whose outcome the catalog tells, the fence is
// asked once more before they are sent, and a run that ends before takes the intent
// back.
//
// Rows of the ledger move as the table in package executor says.
//
// # What became of a statement
//
// Whoever comes next gets the lock only when the server is through with the old
// session, whose last statement goes on without its client. Then the objects that
// the statement names are compared by the fingerprints of their SHOW CREATE text:
//
//	now is          and the statement makes        it
//	as before       something else of that         did not run: it runs
//	as foreseen     just that                      ran: done
//	as before       the same text                  ambiguous (TRUNCATE, EXCHANGE …)
//	anything else                                  ambiguous, with the evidence
//
// What the statement makes is foreseen by replaying it in a scratch schema, on
// objects made anew from what was observed before it ran. That costs nothing
// until it is needed: the observation is kept whole, and the replay is done by the
// run that finds the intent. Where a name was not understood nothing is replayed.
// Forms that may run twice (IF NOT EXISTS, ANALYZE …) just run again.
//
// The scratch schemas are on the same server, named shipsql_scratch_ with a part
// for the database and a random one. They are dropped at once; those of a run that
// died go with the next.
//
// # The lock
//
// It is GET_LOCK('shipsql/' and the database's name in lower case). A name longer
// than 64 bytes is 'shipsql/' and the first 56 hexadecimal digits of the sha256
// of all that. It is the same in every version of ShipSQL to come.
//
// # Settings
//
// A file's SET statements hold for the file: between files the session is put
// back piece by piece (COM_RESET_CONNECTION would drop the lock), and after an
// interruption they are run again before the rest of the file. A variable whose
// value came from a query, or a temporary table, can't be had again: a file that
// needs it stops. What would change our own statements is put back around them.
//
// # The second connection
//
// It also looks at objects. Neither what it sees nor what it writes is changed by the
// settings, temporary tables and transactions of a file; and no text of a file goes
// through it, because it takes several statements at once.
package mysql
