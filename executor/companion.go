package executor

import "context"

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
// goes on working. It is immutable.
//
// The engine runs Prepare's queries once per run, after the lock is taken and
// before the first migration that will run, each on its own: they make the
// tool's table where it is missing, and may run any number of times. It runs the
// others as its login in the transaction that makes the ledger's row final:
// before COMMIT on PostgreSQL, with the last step's done on MySQL and MariaDB.
// Tables are qualified, so a file's search_path does no harm. An error of one
// fails the migration.
type Companion interface {
	Prepare() []Query
	// Record notes that m was applied.
	Record(m Migration) []Query
	// Undo notes that m was undone.
	Undo(m Migration) []Query
}
