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
	f, migrated, err := db.inspect(ctx, db)
	if err == nil {
		f.Schema, err = db.schemaVersions(ctx, migrated)
	}
	if err != nil {
		return f, fmt.Errorf("inspect the store: %w", err)
	}
	return f, nil
}

func (sqliteStore) inspect(ctx context.Context, q Queryer) (f Facts, migrated bool, err error) {
	err = q.QueryRow(ctx, `SELECT 'SQLite ' || sqlite_version(), page_count * page_size, journal_mode,
			EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'store_migrations')
		FROM pragma_page_count, pragma_page_size, pragma_journal_mode`).Scan(&f.Product, &f.Bytes, &f.Journal, &migrated)
	return f, migrated, err
}

func (*postgresStore) inspect(ctx context.Context, q Queryer) (f Facts, migrated bool, err error) {
	var clock time.Time
	sent := time.Now()
	err = q.QueryRow(ctx, `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1),
		pg_database_size(current_database()), clock_timestamp(), to_regclass('store_migrations') IS NOT NULL`).
		Scan(&f.Product, &f.Bytes, &clock, &migrated)
	f.Ahead = clock.Sub(sent.Add(time.Since(sent) / 2)).Round(time.Millisecond)
	return f, migrated, err
}

// schemaVersions is empty for a store that no ShipSQL has started with yet.
func (db *DB) schemaVersions(ctx context.Context, migrated bool) (map[string]int, error) {
	versions := map[string]int{}
	if !migrated {
		return versions, nil
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
