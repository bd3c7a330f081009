// Package store is the database of record: it opens it, brings each room's
// tables up to date, runs transactions and tells the time. It knows SQL and
// nothing of what the tables mean.
//
// A store is one SQLite file (through modernc.org/sqlite, no C), right for one
// node, or one PostgreSQL database (through pgx) shared by any number of nodes.
// Rooms write one SQL text that both understand:
//
//   - $1 parameters; IN lists with one parameter per value, no arrays
//   - ids are made by the application (ULID), no serial or autoincrement
//   - times are bigint microseconds since 1970 ([Micros]), no now()
//   - JSON is text; read it with cast(payload as json)->>'x'
//   - columns are named, never *: they may grow while a statement is prepared
//   - ON CONFLICT … DO UPDATE … RETURNING, CTEs, window functions, partial
//     indexes, true and false are fine; FOR UPDATE is not
//   - a statement that fails ends its transaction; PostgreSQL runs no other
//   - text is UTF-8 without NUL: what is not becomes U+FFFD when it is stored
//   - text sorts bytewise, on PostgreSQL by the collation "C" of every column
//
// The package storetest opens either kind for a room's tests, and checks a
// room's texts on a real PostgreSQL.
//
// # Transactions
//
// A [DB.Tx] has the writer's turn: no other Tx runs meanwhile, on any node, so
// what it reads still holds when it writes. [DB.TxUnordered] and [DB.Exec] run
// beside it; only unique indexes and compare-and-set statements keep them right.
//
//	state    event                       next       what happens
//	-------  --------------------------  ---------  ---------------------------------
//	waiting  the turn is ours            running    fn runs
//	waiting  30 s passed                 failed     unreachable: a transaction is stuck
//	running  fn returns nil              ending     COMMIT is sent
//	running  fn returns an error         failed     rolled back
//	running  deadlock, connection lost   waiting    surely rolled back: again, 4 times at most
//	running  node stopped or cut off     waiting    the server ends the session after 15 s
//	ending   answered                    committed  hooks run
//	ending   connection lost             failed     outcome unknown: callers repeat whole jobs
//
// # SQLite
//
// The file is in WAL mode: many connections read while one writes. All writes go
// through one connection, taken in turn, so a write never meets SQLITE_BUSY from
// our own process. Commits are flushed to disk (synchronous=FULL): what was
// answered with success survives a power cut. Readers refuse to write, so a
// statement on the wrong path is an error instead of a lock.
//
// # PostgreSQL
//
// Version 14 or later, the primary (of several hosts in the URL it is found), a
// database of ShipSQL's own. A node opens at most 6 connections to write and 6 to
// read. The turn is a transaction's advisory lock under READ COMMITTED. Every
// new connection reads the URL anew, so a rotated password needs no restart; a
// dead one is replaced unseen. Sessions have the time limits of [defaults],
// which the URL may change (?statement_timeout=5min); a connection on which no
// answer comes for a quarter longer than statement_timeout is given up.
//
// A pooler in front of the server is refused: a session's locks, which show that
// a program lives, do not hold behind PgBouncer's transaction pooling.
//
// The store's clock is the server's: the local one and the offset measured at
// [Open] and by [DB.Maintain].
//
// # Schema
//
// A room embeds files and passes them to [DB.Migrate] at start. What was applied
// is recorded in store_migrations. N_name.sql expands: the version of ShipSQL
// before works on beside it. N_name.contract.sql takes away what only older
// versions use, and must not be needed by the files that follow it in the same
// release:
//
//	state      event                                    next     what happens
//	---------  ---------------------------------------  -------  -----------------------------
//	new        room is new, or SQLite                   ran      runs in its turn
//	new        others may use the tables                waiting  the files after it run
//	waiting    an older program has a connection        waiting  the minute starts anew
//	waiting    a minute without an older program        ran      older ones are refused from now on
//
// The sessions' own shared locks say who lives ([presence]); there is no
// heartbeat that could be late. So an older program can boot and run on a newer
// store until a contract file has run, and never after.
package store
