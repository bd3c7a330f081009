package mysql

import (
	"cmp"
	"context"
	"errors"

	"github.com/shipsql/shipsql/executor"
)

// prepareCompanion has the other tool's tables made, once per session.
func (f *file) prepareCompanion(ctx context.Context) error {
	if f.ready || f.run.Companion == nil {
		return nil
	}
	f.ready = true
	return f.accompany(ctx, f.run.Companion.Prepare())
}

// companion writes the other tool's history, in the transaction that makes the
// ledger's row final.
func (f *file) companion() []executor.Query {
	c := f.run.Companion
	switch {
	case c == nil:
		return nil
	case f.Undoing():
		return c.Undo(f.Migration)
	}
	return c.Record(f.Migration)
}

// accompany writes for the other tool on the session.
func (f *file) accompany(ctx context.Context, writes []executor.Query) error {
	for _, q := range writes {
		if _, err := f.ExecContext(ctx, q.SQL, q.Args...); err != nil {
			return f.companionError(ctx, err)
		}
	}
	return nil
}

// companionError says whose statement it was that failed.
func (f *file) companionError(ctx context.Context, err error) error {
	err = f.failure(ctx, statement{}, err)
	if failed, ok := errors.AsType[*executor.Failure](err); ok && failed.SQLState != "" {
		failed.Message = "the other tool's history can't be written: " + failed.Message
		failed.Hint = cmp.Or(failed.Hint, "look at its table, or turn its history off")
	}
	return err
}
