package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Query implements executor.Reader.
func (t *target) Query(ctx context.Context, q executor.Query, each func(scan func(dest ...any) error) error) error {
	return t.reading(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SET default_transaction_read_only = on"); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return refusedQuery(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return refusedQuery(rows.Err())
	})
}

// refusedQuery gives the server's answer to a query of others a code. nil stays
// nil.
func refusedQuery(err error) error {
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg) || disconnected(pg):
		return err
	case pg.Code == "42501":
		return fault.New(fault.Denied, "the login may not read this").Because(err)
	}
	return fault.New(fault.SQLError, "the database refuses the query").Because(err)
}
