package store

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
)

// OpenAs opens a PostgreSQL store on a machine whose clock is local.
func OpenAs(ctx context.Context, url string, local clock.Clock) (*DB, error) {
	return openPostgres(ctx, secret.Literal(url), &serverClock{local: local})
}

// MaintainOnce is one round of Maintain.
func (db *DB) MaintainOnce(ctx context.Context, quiet time.Duration) error {
	_, err := db.maintain(ctx, quiet)
	return err
}

// Postponed are the schema files that wait for older programs to end.
func (db *DB) Postponed() (names []string) {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	for _, p := range db.waiting.files {
		names = append(names, p.String())
	}
	return names
}
