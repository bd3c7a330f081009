package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// cancelledBy returns a context that ends with executor.ErrCancelled once c is
// closed.
func cancelledBy(ctx context.Context, c <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	if c != nil {
		go func() {
			select {
			case <-c:
				end(executor.ErrCancelled)
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { end(nil) }
}

// graceful returns a context for the database that outlives ctx: by the grace
// time, or for as long as it takes when that is 0. Run.Cancel, with which ctx ends
// too, ends it at once.
func graceful(ctx context.Context, run executor.Run) (context.Context, context.CancelFunc) {
	work, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		var over <-chan time.Time // nil: never
		if run.Limits.Grace > 0 {
			over = time.After(run.Limits.Grace)
		}
		select {
		case <-run.Cancel:
			end(executor.ErrCancelled)
		case <-over:
			end(nil)
		case <-work.Done():
		}
	})
	return work, func() { stop(); end(nil) }
}

// orCancelled says of a run that gave up waiting that this was because c is
// closed.
func orCancelled(c <-chan struct{}, err error) error {
	code := fault.CodeOf(err)
	if errors.Is(err, executor.ErrCancelled) || code != fault.LockTimeout && code != fault.Unreachable {
		return err
	}
	select {
	case <-c:
		return fmt.Errorf("%w: %w", executor.ErrCancelled, err)
	default: // open, or nil
		return err
	}
}

// IsCancelled says that Run.Cancel, not the end of time, ended a run's context
// or that of its work.
func IsCancelled(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), executor.ErrCancelled)
}
