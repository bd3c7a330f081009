// Package store is the database of record: it opens it, brings each room's
// tables up to date, runs transactions and tells the time. It knows SQL and
// nothing of what the tables mean.
//
// Today a store is one SQLite file (through modernc.org/sqlite, no C), which is
// right for one node; PostgreSQL for several nodes comes next. Rooms therefore
// write one SQL text that both understand:
//
//   - $1 parameters; IN lists with one parameter per value, no arrays
//   - ids are made by the application (ULID), no serial or autoincrement
//   - times are bigint microseconds since 1970 ([Micros]), no now()
//   - JSON is text; read it with cast(payload as json)->>'x'
//   - ON CONFLICT … DO UPDATE … RETURNING, CTEs, window functions, partial
//     indexes, true and false are fine; FOR UPDATE is not
//
// The package storetest checks a room's texts on a real PostgreSQL.
//
// # SQLite
//
// The file is in WAL mode: many connections read while one writes. All writes go
// through one connection, taken in turn, so a write never meets SQLITE_BUSY from
// our own process. Commits are flushed to disk (synchronous=FULL): what was
// answered with success survives a power cut. Readers refuse to write, so a
// statement on the wrong path is an error instead of a lock.
//
// # Schema
//
// A room embeds files N_name.sql and passes them to [DB.Migrate] at start. What
// was applied is recorded in store_migrations; a store with a version newer than
// the files is refused, because an old program would misread it.
package store
