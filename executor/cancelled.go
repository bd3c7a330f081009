package executor

import "github.com/shipsql/shipsql/internal/fault"

// ErrCancelled is what a run's error wraps when closing Run.Cancel ended it. What
// was committed before is in the Result; the ledger tells the rest.
// It has the code of every interruption: trying again is safe.
var ErrCancelled error = fault.New(fault.Unreachable, "the run was cancelled").Then("trying again is safe and goes on where it stopped")
