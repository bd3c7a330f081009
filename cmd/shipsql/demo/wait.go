package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// pollEvery is how often a database or the bot is asked; the forge tells by
// itself.
const pollEvery = 50 * time.Millisecond

// poll asks until the condition holds. When ctx ends first, the error says what
// was waited for and what was seen last.
func poll(ctx context.Context, what string, holds func(context.Context) (bool, string)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		ok, seen := holds(ctx)
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return waited(ctx, what, seen)
		case <-ticker.C:
		}
	}
}

// await blocks until the condition holds on the forge.
func await(ctx context.Context, forge *miniforge.Forge, what string, holds func(*miniforge.State) (bool, string)) error {
	seen := ""
	err := forge.Wait(ctx, func(s *miniforge.State) (ok bool) {
		ok, seen = holds(s)
		return ok
	})
	if err != nil {
		return waited(ctx, what, seen)
	}
	return nil
}

func waited(ctx context.Context, what, seen string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("waited in vain for %s; last seen: %s", what, seen)
	}
	return fmt.Errorf("waiting for %s: %w", what, cause)
}
