package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// postgresStore is the backend of one PostgreSQL database, shared by nodes.
type postgresStore struct {
	*presence
	*serverClock

	url secret.Source
}

// poolSize is how many connections a node opens at most for writing, and as many
// again for reading. An ordered transaction holds one at a time.
const poolSize = 6

// idleLife is how long a connection stays that a burst of work has left behind.
const idleLife = 5 * time.Minute

func openPostgres(ctx context.Context, url secret.Source, c *serverClock) (*DB, error) {
	p := &postgresStore{presence: &presence{}, serverClock: c, url: url}
	config, err := p.config()
	if err != nil {
		return nil, err
	}
	db := newDB(p, p.pool(config, false), p.pool(config, true))
	if err := db.check(ctx); err != nil {
		return nil, errors.Join(unopened(config, err), db.Close())
	}
	return db, nil
}

func unopened(config *pgx.ConnConfig, err error) error {
	var refused *fault.Error
	if errors.As(err, &refused) && refused.Code == fault.Unsupported {
		return refused
	}
	where := fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)
	return fault.New(fault.Unreachable, "can't open the store").At(where).Because(err).
		Then("check the server, the URL's user and password, and that the database exists")
}

// check connects both pools and sets the clock.
func (db *DB) check(ctx context.Context) error {
	if err := db.write.PingContext(ctx); err != nil {
		return err
	}
	if err := db.Ping(ctx); err != nil {
		return err
	}
	return db.keepTime(ctx, db.read)
}

func (p *postgresStore) pool(config *pgx.ConnConfig, readOnly bool) *sql.DB {
	pool := sql.OpenDB(orderly{stdlib.GetConnector(*config,
		stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
			fresh, err := p.config() // the password may have been rotated
			if err == nil {
				*c = *fresh
			}
			return err
		}),
		stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			return p.welcome(ctx, conn, readOnly)
		}),
		stdlib.OptionShouldPing(func(_ context.Context, s stdlib.ShouldPingParams) bool {
			return s.IdleDuration > time.Second || wireOf(s.Conn.PgConn()).spoken()
		}),
		stdlib.OptionResetSession(p.stillShown),
	)})
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize)
	pool.SetConnMaxIdleTime(idleLife)
	return pool
}

// welcome makes a new connection ready: readers can't write, and all show which
// versions of the rooms' tables this program knows.
func (p *postgresStore) welcome(ctx context.Context, conn *pgx.Conn, readOnly bool) error {
	if readOnly {
		if _, err := conn.Exec(ctx, "SET default_transaction_read_only = on"); err != nil {
			return fmt.Errorf("make a reader: %w", err)
		}
	}
	return p.show(ctx, conn)
}

func (*postgresStore) lone() bool { return false }

// adopt gives the columns of text that this transaction made the collation "C":
// then they sort and compare bytewise as in SQLite, whatever the database's
// locale is, and no upgrade of a C library can break an index on them.
func (*postgresStore) adopt(ctx context.Context, tx *Tx) error {
	_, err := tx.Exec(ctx, `
DO $$ DECLARE made record; BEGIN
	FOR made IN SELECT a.attrelid::regclass AS "table", a.attname AS "column"
		FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
		WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace
			AND a.atttypid = 'text'::regtype AND a.attcollation = '"default"'::regcollation
			AND a.attnum > 0 AND NOT a.attisdropped AND a.xmin = pg_current_xact_id()::xid
	LOOP EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE text COLLATE "C"', made."table", made."column"); END LOOP;
END $$`)
	if err != nil {
		return fmt.Errorf("make text sort bytewise: %w", err)
	}
	return nil
}

// The SQLSTATEs that mean something to a store.
const (
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006"
	idleInTransaction    = "25P03"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
)

// stateOf is the SQLSTATE with which the server refused, "" for another error.
func stateOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func isUniquePostgres(err error) bool { return stateOf(err) == uniqueViolation }

// conflicted says that the server has rolled back a transaction, because of
// another one: it may succeed when it is run again.
func (*postgresStore) conflicted(err error) bool {
	state := stateOf(err)
	return state == deadlockDetected || state == serializationFailure
}

// lost says that the server can't be had, or ended the connection.
func (*postgresStore) lost(err error) bool { return isLost(err) }

func (*postgresStore) explain(err error) error {
	var coded *fault.Error
	switch {
	case errors.As(err, &coded):
		return err
	case stateOf(err) == readOnlyTransaction:
		return fault.New(fault.Unreachable, "the store's server does not take writes").Because(err).
			Then("give the primary's address; with several hosts in the URL ShipSQL finds it by itself")
	case isLost(err):
		return fault.New(fault.Unreachable, "the store's server is away").Because(err)
	default:
		return err
	}
}
