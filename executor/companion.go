package executor

import (
	"context"
	"time"
)

// Query is one statement in the target's own dialect: placeholders are $1, $2 …
// on PostgreSQL and ? on MySQL and MariaDB.
type Query struct {
	SQL  string
	Args []any // of the types database drivers know: string, int64, bool, []byte, time.Time, nil
}

// Reader reads a target without lock and without writing. Both engines' targets
// implement it; it is safe for concurrent use, and each call uses a connection
// of its own.
type Reader interface {
	// Query runs q and calls each once per row, in the order they come, with the
	// row's scan: its destinations are pointers as database/sql wants them. The
	// error is that of each, or as [Target] describes.
	Query(ctx context.Context, q Query, each func(scan func(dest ...any) error) error) error
}

// Companion is another tool's history, kept beside the ledger so that the tool
// goes on working. The engine runs the queries as its login in the transaction
// that makes the ledger's row final: before COMMIT on PostgreSQL, with the last
// step's done on MySQL and MariaDB. An error of one fails the migration. It is
// immutable.
type Companion interface {
	// Record notes that m was applied, in took.
	Record(m Migration, took time.Duration) []Query
	// Undo notes that m was undone.
	Undo(m Migration) []Query
}
