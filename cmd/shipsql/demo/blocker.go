package demo

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// blocker is an application's transaction that a migration has to wait for.
type blocker struct {
	session *pgx.Conn
	watch   *pgx.Conn
}

// block locks the row that the release's second migration changes.
func (w *world) block(ctx context.Context, database string) (*blocker, error) {
	session, err := pgx.Connect(ctx, w.url(database))
	if err != nil {
		return nil, err
	}
	watch, err := pgx.Connect(ctx, w.url(database))
	if err != nil {
		return nil, err
	}
	_, err = session.Exec(ctx, "BEGIN; SELECT FROM settings WHERE id = 1 FOR UPDATE")
	return &blocker{session: session, watch: watch}, err
}

// awaitBlocked returns the name of the bot's session that waits for the row.
func (b *blocker) awaitBlocked(ctx context.Context) (name string, err error) {
	pid := b.session.PgConn().PID()
	err = poll(ctx, "the bot to run into the blocked row", func(ctx context.Context) (bool, string) {
		err := b.watch.QueryRow(ctx,
			"SELECT application_name FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)) LIMIT 1", int32(pid)).Scan(&name)
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
	return name, err
}

func (b *blocker) release(ctx context.Context) error {
	if err := b.watch.Close(ctx); err != nil {
		return err
	}
	if _, err := b.session.Exec(ctx, "ROLLBACK"); err != nil {
		return err
	}
	return b.session.Close(ctx)
}
