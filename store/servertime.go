package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
)

// serverClock tells the server's time without asking it: what it was when last
// asked, plus what has passed here since. (Go's times carry a monotonic reading,
// so that steps of this machine's clock do no harm.) Leases and retry times of
// all nodes are then on one clock, to half a round trip.
type serverClock struct {
	local clock.Clock
	own   bool // a test's clock: the server is not asked
	last  atomic.Pointer[reading]
}

// reading is that the server's clock showed server when the local one showed here.
type reading struct{ server, here time.Time }

func (s *serverClock) now() time.Time {
	here := s.local.Now()
	last := s.last.Load()
	if last == nil {
		return here
	}
	return last.server.Add(here.Sub(last.here))
}

// keepTime asks the server for the time, a few times, and keeps the answer that
// came fastest. Without an answer the last reading goes on.
func (s *serverClock) keepTime(ctx context.Context, db *sql.DB) error {
	if s.own {
		return nil
	}
	const samples = 3
	var best *reading
	var fastest time.Duration
	for range samples {
		asked := s.local.Now()
		var micros int64
		if err := db.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&micros); err != nil {
			return fmt.Errorf("ask the store's server for the time: %w", err)
		}
		took := s.local.Now().Sub(asked)
		if best == nil || took < fastest {
			best, fastest = &reading{server: FromMicros(micros), here: asked.Add(took / 2)}, took
		}
	}
	s.last.Store(best)
	return nil
}
