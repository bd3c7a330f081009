// Package snapshot reads a PostgreSQL database's catalog into the
// engine-neutral types of executor/catalog, in a handful of queries whatever
// the number of tables.
package snapshot
