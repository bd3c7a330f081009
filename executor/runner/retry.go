package runner

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Retry attempts a part of a file again while others are in its way, which is a
// lock_timeout and leaves nothing of the attempt: each wait is bounded by the lock
// timeout, all of them by LockRetryFor.
func Retry(ctx context.Context, run executor.Run, f File, attempt func() error) error {
	deadline := time.Now().Add(run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		started := time.Now()
		err := attempt()
		if fault.CodeOf(err) != fault.LockTimeout || time.Now().After(deadline) {
			return err
		}
		d := f.Decision()
		Progress(run, executor.Event{Version: d.Migration.Version, Path: d.Path(), Total: f.Total(), State: executor.EventRetrying, Detail: err.Error()})
		if LetPass(ctx, n, time.Since(started)) != nil {
			return err
		}
		if err := StillMine(ctx, run); err != nil {
			return err
		}
	}
}
