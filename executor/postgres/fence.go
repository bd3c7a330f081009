package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/fault"
)

// divided is division_by_zero, which statements of ours fail with on purpose, so
// that what was sent behind them does not run.
const divided = "22012"

// fenceSQL locks the meta row until the transaction ends, and fails unless it has
// our epoch and the session holds the lock. The session holds it twice, so that
// giving one hold back and taking it again tells whether it has it, without letting
// go; pg_locks would tell too, at twenty times the price.
func (s *session) fenceSQL() string {
	return fmt.Sprintf(`SELECT set_config('application_name', '%s', false),
		1 / coalesce(((SELECT epoch FROM shipsql.meta FOR UPDATE) = %d AND %s)::int, 0)`,
		strings.ReplaceAll(applicationName(s.run.Task, s.epoch), "'", "''"), s.epoch, holdsLock)
}

// holdsLock tells whether the session holds the lock.
var holdsLock = fmt.Sprintf("CASE WHEN pg_advisory_unlock(%d, %d) THEN pg_try_advisory_lock(%[1]d, %[2]d) ELSE false END", lockClass, lockObject)

// overtaken says why the fence failed.
func (s *session) overtaken(ctx context.Context) error {
	var epoch int64
	var held bool
	err := s.QueryRow(ctx, "SELECT epoch, "+holdsLock+" FROM shipsql.meta").Scan(&epoch, &held)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return badMeta(0)
	case err != nil:
		return s.lost(err)
	case epoch < s.epoch:
		return fault.New(fault.Conflict, "somebody restored or edited the ledger, or took the database over: its epoch went back from %d to %d while the run was under way", s.epoch, epoch).
			At(s.where()).Then("look at the database, then run again: the ledger as it is now decides")
	case epoch == s.epoch && !held:
		return fault.New(fault.Conflict, "the session lost the database's lock").At(s.where()).Then("trying again is safe")
	}
	return fault.New(fault.Conflict, "another run took the database over").At(s.where()).Then("look at its result; nothing more is done here")
}
