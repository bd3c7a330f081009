package runner

import (
	"fmt"
	"time"

	"github.com/shipsql/shipsql/executor"
)

// Timeouts bound how long a statement waits for a lock, and how long it runs.
// Zero keeps what holds.
type Timeouts struct{ Lock, Statement time.Duration }

// TimeoutsOf are those of a run.
func TimeoutsOf(run executor.Run) Timeouts {
	return Timeouts{run.Limits.LockTimeout, run.Limits.StatementTimeout}
}

// Lowered returns the smaller limits.
func (t Timeouts) Lowered(by Timeouts) Timeouts {
	return Timeouts{lowest(t.Lock, by.Lock), lowest(t.Statement, by.Statement)}
}

// lowest is the smaller of two limits, where 0 is none.
func lowest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Within drops a file's limits that are above those of its run, and says so.
func (t Timeouts) Within(most Timeouts) (kept Timeouts, notes []string) {
	keep := func(name string, wanted, most time.Duration) time.Duration {
		if most == 0 || wanted <= most {
			return wanted
		}
		notes = append(notes, fmt.Sprintf("%s=%s is above the limit of %s, which holds: a file may only lower it", name, wanted, most))
		return 0
	}
	kept = Timeouts{keep("lock_timeout", t.Lock, most.Lock), keep("statement_timeout", t.Statement, most.Statement)}
	return kept, notes
}
