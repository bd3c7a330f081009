package serve

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// How long a start waits for a store that can't be reached yet, as when a whole
// machine or cluster comes up at once. After that the process ends, and whoever
// started it sees why.
const (
	bootPatience = time.Minute
	bootPauseMin = 200 * time.Millisecond
	bootPauseMax = 5 * time.Second
)

// checkDatabases refuses a process that could reach none of the databases whose
// jobs it is to run: its secrets were mounted wrongly. When only some are missing
// the others must not wait for them: each is an error in the log, and a failure
// of the tasks on it, until its secret is there.
func checkDatabases(o Options, part config.Part) error {
	missing, usable := o.Config.Unreadable(part)
	if usable == 0 && len(missing) > 0 {
		return errors.Join(missing...)
	}
	for _, err := range missing {
		o.Log.Error("A database can't be used; its tasks fail until its secret is there", "error", err)
	}
	return nil
}

// openStore opens the store and brings the queue's tables up to date. A server
// that can't be reached is tried again for as long as o.patience.
func openStore(ctx context.Context, o Options) (*store.DB, error) {
	if _, sqlite, err := o.Config.SQLite(); err != nil || sqlite {
		o.patience = 0 // a file that isn't there will not come
	}
	db, err := whenReachable(ctx, o.Log, o.patience, func(ctx context.Context) (*store.DB, error) {
		return store.Open(ctx, o.Config.Store, clock.System)
	})
	if err != nil {
		return nil, err
	}
	if err := queue.Migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// whenReachable calls open until it returns something else than an unreachable
// error, until patience has passed, or ctx is done.
func whenReachable[T any](ctx context.Context, log *slog.Logger, patience time.Duration, open func(context.Context) (T, error)) (T, error) {
	began := time.Now()
	for pause := bootPauseMin; ; pause = min(2*pause, bootPauseMax) {
		opened, err := open(ctx)
		if fault.CodeOf(err) != fault.Unreachable || ctx.Err() != nil || time.Since(began) >= patience {
			return opened, err
		}
		log.Warn("The store can't be reached; the start waits for it", "error", err)
		select {
		case <-ctx.Done():
			return opened, ctx.Err()
		case <-time.After(pause):
		}
	}
}
