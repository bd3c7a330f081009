package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// contact is a process's touch with the store. It says once in the log that the
// touch is lost and once that it is back, however many workers notice.
type contact struct {
	log *slog.Logger

	mu   sync.Mutex
	lost bool
	back time.Time // when the store answered again after the last loss
}

// note takes an answer of the store, or its absence.
func (c *contact) note(err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && !c.lost:
		c.log.Error("The queue could not use the store; it tries again until it can", "error", secret.Redact(err.Error()))
	case err == nil && c.lost:
		c.back = now
		c.log.Info("The queue uses the store again")
	}
	c.lost = err != nil
}

// fair says whether a lease that has ended tells of a dead worker: while the
// store was away nobody could renew, so all get a lease's time after its return.
func (c *contact) fair(now time.Time, lease time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.lost && now.Sub(c.back) >= lease
}

// heard notes what the store answered, but not the end of ctx.
func (q *Queue) heard(ctx context.Context, err error) {
	if err == nil || ctx.Err() == nil {
		q.contact.note(err, q.db.Now())
	}
}
