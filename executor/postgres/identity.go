package postgres

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// identity tells servers apart: a replica that was promoted goes on with the
// same system identifier on another timeline. Its zero value is not known:
// some hosted servers don't tell.
type identity struct {
	system   int64
	timeline string
}

// sameServer opens the sessions of one run, all of them on the server of the
// first.
func (t *target) sameServer() runner.Open {
	var home identity
	return func(ctx context.Context, run executor.Run) (runner.Session, error) {
		s, err := t.open(ctx, run)
		if err != nil {
			return nil, err
		}
		now := s.identity(ctx)
		if home == (identity{}) {
			home = now
		}
		if now != home && now != (identity{}) {
			s.Close(ctx)
			return nil, home.left(now, s.where())
		}
		return s, nil
	}
}

// identity asks the server who it is.
func (s *session) identity(ctx context.Context) (i identity) {
	err := s.QueryRow(ctx, `SELECT system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()`).Scan(&i.system, &i.timeline)
	if err != nil {
		return identity{}
	}
	return i
}

// left is the error of a run that began on one server and came back to another.
func (i identity) left(now identity, where string) error {
	what := "the connection came back to another server than the run began on"
	if i.system == now.system {
		what = "another server took over while the run was under way (timeline " + now.timeline + ", was " + i.timeline + ")"
	}
	return fault.New(fault.Conflict, "%s", what).At(where).
		Then("look whether what the run reported is there, then run again: the ledger of the server that is there now decides")
}

func isReplica(where string) error {
	return fault.New(fault.Conflict, "the server is a replica and takes no changes").At(where).
		Then("give the URL of the primary, or wait until the replica is promoted")
}
