package store

import (
	"context"
	"errors"
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
	return errors.Join(db.keepTime(ctx, db.read), db.contractPostponed(ctx, quiet))
}
