package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

type postgresStore struct{ clock clock.Clock }

func openPostgres(ctx context.Context, url secret.Source, c clock.Clock) (*DB, error) {
	text, err := url.Read()
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the store's URL is not a PostgreSQL URL")
	}
	config.RuntimeParams["application_name"] = "shipsql/store"
	db := newDB(postgresStore{c}, stdlib.OpenDB(*config), stdlib.OpenDB(*config))
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(fault.New(fault.Unreachable, "can't open the store"), db.Close())
	}
	return db, nil
}

func (postgresStore) lone() bool { return false }

// turnLock is the advisory lock that an ordered transaction holds: "ShipSQL" in
// ASCII. It is the same in every version to come.
const turnLock = 0x5368697053514c

func (postgresStore) order(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(turnLock))
	return err
}

func (postgresStore) adopt(context.Context, *Tx) error { return nil }

func (postgresStore) explain(err error) error { return err }

func (s postgresStore) now() time.Time { return s.clock.Now() }

func (postgresStore) close() {}

func isUniquePostgres(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505"
}
