package deploy

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// companion is the other tool's history that the project keeps along on every
// database; nil where it keeps none.
func companion(ctx context.Context, p Project, database Database, target executor.Target, run executor.Run) (executor.Companion, error) {
	if p.Compat == "" {
		return nil, nil
	}
	reader, ok := target.(executor.Reader)
	if !ok {
		return nil, fault.New(fault.Unsupported, "on %s the history of %s can't be kept along yet", database.Engine, p.Compat).
			Then("take compat out of the project's configuration")
	}
	entries, err := target.Status(ctx, run.History, run.Folder)
	if err != nil {
		return nil, err
	}
	dialect := script.MySQL
	if database.Engine == "postgres" {
		dialect = script.Postgres
	}
	return history.NewCompanion(ctx, reader, history.Compat{
		Where: history.Where{Dialect: dialect, Tool: p.Compat}, Folder: run.Folder, Status: entries,
	})
}
