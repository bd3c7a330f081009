// Package postgres applies migrations to PostgreSQL exactly once.
//
// # The protocol
//
// Each run opens one fresh connection, without pool and without automatic
// retries. On that very session it takes the database's advisory lock, asks
// whether the job is still ours, and mints an epoch in the ledger's meta table.
// From then on every transaction locks the meta row and compares the epoch, so a
// run that was overtaken can't commit anything. The comparison is a statement that
// fails.
//
// A transaction is one round trip, from the reset of the session to COMMIT: after
// an error the server skips all that was sent behind. Where the session ends while
// a statement runs, the server may have COMMIT already, and come to it.
//
// A file whose statements all may run in a transaction is one transaction with
// its ledger row: committed together or not at all. What can't (CREATE INDEX
// CONCURRENTLY, VACUUM …) and the statements around it become steps. A
// transactional stretch commits with its step rows; a statement that runs alone
// is bracketed by rows:
//
//	step       event                                       to
//	(no row)   about to run; objects observed              intent
//	intent     ran, and the catalog shows it               done
//	intent     the server refused it, remains are removed  (no row)
//	intent     found by the next run: it took effect       done
//	intent     found by the next run: it did not           runs again
//	intent     found by the next run: can't be proven      the migration is ambiguous
//
// A file with transactions of its own runs in parts, in the order written: what
// each BEGIN … COMMIT holds together, each stretch between them, and each
// statement that can't run in a transaction. So does a file that uses a value
// which its ALTER TYPE … ADD VALUE brings. Notes of the outcome say where it was
// split. One BEGIN … COMMIT around all of it is left out. Each part has a session
// that is as new, but for the file's settings: what expects a temporary table of
// another part is refused.
//
// An undo runs the down text in the same way, with steps of the kind "undo":
//
//	migration            event                                  to
//	applied, baseline    its one transaction commits            undone
//	applied, baseline    the first step of its undo starts      partial
//	partial              the last step of its undo is done      undone, without steps
//	partial              its only step left no trace            what it was
//
// Rows of the ledger move as the table in package executor says.
//
// # When the connection breaks
//
// The outcome is unknown: reconnect, take the lock (which waits until the server is
// through with the old session), read the ledger. A row means committed. Without
// one the file starts again, unless one of its statements ran: that may be what
// breaks connections, so the run ends as unreachable; whoever called it may call
// again.
//
// All sessions of a run are on one server: a reconnect that lands on a replica,
// on a replica that was promoted, or on a ledger which the run hasn't written
// ends it.
//
// # The lock
//
// It is pg_advisory_lock(1936222576, 7565676), one per database over all
// histories. The numbers are the same in every version of ShipSQL to come.
//
// # Settings
//
// A file's SET statements hold for the file: between files the session is reset,
// and after an interruption they are run again before the rest of the file.
//
// # Progress and cancel
//
// What takes long is looked at in the server's pg_stat_progress views, and in
// pg_blocking_pids for whom it waits. A statement is cancelled by the protocol's
// cancel request, whose key the server checks: a process id that is another's by
// now hits nobody. A COMMIT whose turn has come isn't cancelled. What a cancelled
// CREATE INDEX CONCURRENTLY leaves behind is removed by the next run: it might have
// to wait for the very session in the way.
//
// # Roles and companions
//
// Files run as the run's role, if it has one; the ledger is always written as the
// login, and so is another tool's history, in the transaction that makes the
// ledger's row final.
//
// # Looking beforehand
//
// Inspect asks all of this of a database without changing it: version, replica,
// pooler, who holds the lock, and the GRANT statements that the login lacks.
package postgres
