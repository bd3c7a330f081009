package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
)

// Query implements executor.Reader.
func (t *target) Query(ctx context.Context, q executor.Query, each func(scan func(dest ...any) error) error) error {
	return t.reading(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
