package postgres

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// home is the server that a run began on. Its zero value knows none.
type home struct {
	identity

	epoch int64 // the last one that the run minted there
}

// identity tells servers apart: a replica that was promoted goes on with the
// same system identifier on another timeline. Its zero value is not known: some
// hosted servers don't tell.
type identity struct {
	system   int64
	timeline string
}

// sameServer opens the sessions of one run, all of them on the server of the
// first.
func (t *target) sameServer() runner.Open {
	h := &home{}
	return func(ctx context.Context, run executor.Run) (runner.Session, error) { return t.open(ctx, run, h) }
}

// checkHome refuses another server than the run began on, before anything is
// written there.
func (s *session) checkHome(ctx context.Context, h *home) error {
	var now identity
	err := s.QueryRow(ctx, "SELECT system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()").Scan(&now.system, &now.timeline)
	switch {
	case s.IsClosed():
		return s.lost(err)
	case err != nil:
		return nil //nolint:nilerr // it doesn't tell, and need not
	case h.identity == identity{}:
		h.identity = now
	case h.system != now.system:
		return elsewhere("the connection came back to another server than the run began on").At(s.where())
	case h.timeline != now.timeline:
		return elsewhere("another server took over while the run was under way (timeline %s, was %s)", now.timeline, h.timeline).At(s.where())
	}
	return nil
}

// checkEpoch refuses a ledger that knows less than the run wrote.
func (s *session) checkEpoch(h *home) error {
	if s.epoch <= h.epoch {
		return elsewhere("the connection came back to a ledger that the run has not written: another server, or a restored backup (epoch %d, was %d)", s.epoch, h.epoch).
			At(s.where())
	}
	h.epoch = s.epoch
	return nil
}

func elsewhere(format string, args ...any) *fault.Error {
	return fault.New(fault.Conflict, format, args...).
		Then("look whether what the run reported is there, then run again: the ledger of the server that is there now decides")
}

func isReplica(where string) error {
	return fault.New(fault.Conflict, "the server is a replica and takes no changes").At(where).
		Then("give the URL of the primary, or wait until the replica is promoted")
}
