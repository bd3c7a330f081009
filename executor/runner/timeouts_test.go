package runner_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
)

func seconds(lock, statement int) runner.Timeouts {
	return runner.Timeouts{Lock: time.Duration(lock) * time.Second, Statement: time.Duration(statement) * time.Second}
}

func TestTimeoutsAreLowered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, by, want runner.Timeouts }{
		{seconds(0, 2), seconds(1, 0), seconds(1, 2)},
		{seconds(3, 2), seconds(1, 5), seconds(1, 2)},
		{seconds(0, 0), seconds(0, 0), seconds(0, 0)},
	} {
		if got := c.from.Lowered(c.by); got != c.want {
			t.Errorf("%v lowered by %v is %v, want %v", c.from, c.by, got, c.want)
		}
	}
}

func TestAFileOnlyLowersTheLimitsOfItsRun(t *testing.T) {
	t.Parallel()
	run := executor.Run{Limits: executor.Limits{LockTimeout: 3 * time.Second, StatementTimeout: 8 * time.Second}}
	for _, c := range []struct {
		wanted, most, want runner.Timeouts
		notes              []string
	}{
		{seconds(2, 8), runner.TimeoutsOf(run), seconds(2, 8), nil},
		{seconds(2, 9), runner.TimeoutsOf(run), seconds(2, 0), []string{"statement_timeout=9s is above the limit of 8s, which holds: a file may only lower it"}},
		{seconds(4, 0), runner.TimeoutsOf(run), seconds(0, 0), []string{"lock_timeout=4s is above the limit of 3s, which holds: a file may only lower it"}},
		{seconds(4, 9), runner.Timeouts{}, seconds(4, 9), nil},
	} {
		kept, notes := c.wanted.Within(c.most)
		if kept != c.want || !cmp.Equal(notes, c.notes) {
			t.Errorf("%v within %v: %v with notes %q, want %v with %q", c.wanted, c.most, kept, notes, c.want, c.notes)
		}
	}
}
