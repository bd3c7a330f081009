package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// turnLock is the advisory lock that an ordered transaction holds: "ShipSQL" in
// ASCII. It is the same in every version to come.
const turnLock int64 = 0x5368697053514c

// orderly makes connections to PostgreSQL that know ordered transactions.
type orderly struct{ driver.Connector }

// Connect implements driver.Connector.
func (o orderly) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := o.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return orderlyConn{conn.(*stdlib.Conn)}, nil //nolint:forcetypeassert // pgx makes no others
}

type orderlyConn struct{ *stdlib.Conn }

// orderedTx is the only ordered transaction on all nodes until it ends. It takes
// the turn as it begins and ends with the statements that were put off, both in
// one round trip.
type orderedTx struct {
	ctx  context.Context //nolint:containedctx // driver.Tx has none
	conn *pgx.Conn
	tx   pgx.Tx
	last []statement // to be run before the commit
}

// statement is one that was put off.
type statement struct {
	query string
	args  []any
}

// beginning is where a context says which transaction begins.
type beginning struct{}

// BeginTx implements driver.ConnBeginTx.
func (c orderlyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	t, ordered := ctx.Value(beginning{}).(*orderedTx)
	if !ordered {
		return c.Conn.BeginTx(ctx, o)
	}
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf("begin; select pg_advisory_xact_lock(%d)", turnLock)})
	if err != nil {
		_, _ = conn.Exec(ctx, "rollback") // a connection that is still in it is closed
		if stateOf(err) == lockNotAvailable {
			err = errBusy
		}
		return nil, err
	}
	*t = orderedTx{ctx: ctx, conn: conn, tx: tx}
	return t, nil
}

// Commit implements driver.Tx. A statement that fails keeps the server from the
// commit behind it.
func (t *orderedTx) Commit() error {
	if len(t.last) == 0 {
		return t.tx.Commit(t.ctx)
	}
	batch := &pgx.Batch{}
	for _, s := range t.last {
		batch.Queue(s.query, s.args...)
	}
	committed := false
	batch.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		committed = tag.String() == "COMMIT"
		return nil
	})
	err := t.conn.SendBatch(t.ctx, batch).Close()
	if err == nil && !committed {
		err = pgx.ErrTxCommitRollback
	}
	if err != nil {
		_ = t.tx.Rollback(t.ctx) // a connection that is still in it is closed
	}
	return err
}

// Rollback implements driver.Tx.
func (t *orderedTx) Rollback() error { return t.tx.Rollback(t.ctx) }
