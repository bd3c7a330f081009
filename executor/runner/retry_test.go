package runner_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

var errLocked = fault.New(fault.LockTimeout, "locked")

// retried runs attempts that fail as told, the last of them again and again, and
// returns how many there were, the events and the error.
func retried(t *testing.T, run executor.Run, fails ...error) (n int, events []executor.Event, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run.Progress = func(e executor.Event) { events = append(events, e) }
		f := &work{decision: ledger.Decision{Verdict: ledger.Undo, Migration: executor.Migration{Version: "7", Path: "7.up.sql", DownPath: "7.down.sql"}}}
		err = runner.Retry(t.Context(), run, f, func() error {
			n++
			return fails[min(n, len(fails))-1]
		})
	})
	return n, events, err
}

func TestRetryGoesOnWhileOthersAreInTheWay(t *testing.T) {
	run := executor.Run{Limits: executor.Limits{LockRetryFor: time.Hour}}
	n, events, err := retried(t, run, errLocked, errLocked, nil)
	if n != 3 || err != nil {
		t.Errorf("%d attempts: %v", n, err)
	}
	again := executor.Event{Version: "7", Path: "7.down.sql", Total: 2, State: executor.EventRetrying, Detail: "locked"}
	if diff := cmp.Diff([]executor.Event{again, again}, events); diff != "" {
		t.Error(diff)
	}
}

func TestRetryEnds(t *testing.T) {
	broken, gone := errors.New("broken"), errors.New("gone")
	hour := executor.Limits{LockRetryFor: time.Hour}
	for name, c := range map[string]struct {
		run   executor.Run
		fails error
		want  error
		least int
		most  int
	}{
		"another error":  {executor.Run{Limits: hour}, broken, broken, 1, 1},
		"out of time":    {executor.Run{Limits: executor.Limits{LockRetryFor: time.Minute}}, errLocked, errLocked, 3, 30},
		"no longer ours": {executor.Run{Limits: hour, StillMine: func(context.Context) error { return gone }}, errLocked, gone, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if n, _, err := retried(t, c.run, c.fails); !errors.Is(err, c.want) || n < c.least || n > c.most {
				t.Errorf("%d attempts: %v", n, err)
			}
		})
	}
}
