package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/fault"
)

// accompany makes the other tool's table where it is missing, once per session.
func (s *session) accompany(ctx context.Context) error {
	if s.run.Companion == nil || s.accompanied {
		return nil
	}
	for _, q := range s.run.Companion.Prepare() {
		if _, err := s.Exec(ctx, q.SQL, q.Args...); err != nil {
			return s.lost(companionError(err))
		}
	}
	s.accompanied = true
	return nil
}

// queueCompanion writes the other tool's history.
func (f file) queueCompanion(b *pgx.Batch, took time.Duration) {
	if f.run.Companion == nil {
		return
	}
	queries := f.run.Companion.Undo(f.Migration)
	if !f.Undoing() {
		queries = f.run.Companion.Record(f.Migration, took)
	}
	for _, q := range queries {
		b.Queue(q.SQL, q.Args...).Fn = func(results pgx.BatchResults) error {
			_, err := results.Exec()
			return companionError(err)
		}
	}
}

// companionError says whose statement it was that failed.
func companionError(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.SQLError, "the other tool's history can't be written").Because(err).
		Then("look at its table, or turn its history off")
}
