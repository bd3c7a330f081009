package store

import (
	"context"
	"fmt"
	"time"
)

// Facts is what an operator should know of a store.
type Facts struct {
	Product string         // "PostgreSQL 15.4", "SQLite 3.50.4"
	Bytes   int64          // its size
	Journal string         // SQLite: how changes are made safe; ShipSQL sets wal
	Ahead   time.Duration  // how far its clock is before this machine's; 0 with SQLite
	Schema  map[string]int // newest schema version of each room; empty before the first start
}

// Inspect reads the facts. It changes nothing.
func (db *DB) Inspect(ctx context.Context) (Facts, error) {
	f, err := db.inspectServer(ctx)
	if err != nil {
		return f, fmt.Errorf("inspect the store: %w", err)
	}
	f.Schema, err = db.schemaVersions(ctx)
	return f, err
}

func (db *DB) inspectServer(ctx context.Context) (f Facts, err error) {
	if db.lone() {
		err = db.QueryRow(ctx, `SELECT 'SQLite ' || sqlite_version(), page_count * page_size, journal_mode
			FROM pragma_page_count, pragma_page_size, pragma_journal_mode`).Scan(&f.Product, &f.Bytes, &f.Journal)
		return f, err
	}
	var clock time.Time
	sent := time.Now()
	err = db.QueryRow(ctx, `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1),
		pg_database_size(current_database()), clock_timestamp()`).Scan(&f.Product, &f.Bytes, &clock)
	f.Ahead = clock.Sub(sent.Add(time.Since(sent) / 2)).Round(time.Millisecond)
	return f, err
}

// schemaVersions is empty for a store that no ShipSQL has started with yet.
func (db *DB) schemaVersions(ctx context.Context) (map[string]int, error) {
	there := `SELECT to_regclass('store_migrations') IS NOT NULL`
	if db.lone() {
		there = `SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'store_migrations'`
	}
	versions := map[string]int{}
	var exists bool
	if err := db.QueryRow(ctx, there).Scan(&exists); err != nil || !exists {
		return versions, err
	}
	rows, err := db.Query(ctx, `SELECT room, max(version) FROM store_migrations GROUP BY room`)
	if err != nil {
		return nil, err
	}
	_, err = Collect(rows, func(scan Scan) (struct{}, error) {
		var room string
		var version int
		err := scan(&room, &version)
		versions[room] = version
		return struct{}{}, err
	})
	return versions, err
}
