package executor

import "github.com/shipsql/shipsql/internal/fault"

// ErrCancelled is what a run's error wraps when closing Run.Cancel ended it. What
// was committed before is in the Result; the ledger tells the rest.
var ErrCancelled error = fault.New(fault.Conflict, "the run was cancelled").Then("running it again goes on where it stopped")
