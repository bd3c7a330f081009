package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/store"
)

const oldestSQL = `SELECT kind, pool, run_after FROM queue_jobs WHERE state = 'ready' AND run_after <= $1 ORDER BY run_after LIMIT 1`

// Due is the ready job that has been due for longest.
type Due struct {
	Kind, Pool string
	Since      time.Time
}

// Oldest is the ready job that has been due for longest; ok is false when no job
// is due. One that stands behind another job of its key counts too.
func (q *Queue) Oldest(ctx context.Context) (oldest Due, ok bool, err error) {
	rows, err := q.db.Query(ctx, oldestSQL, store.Micros(q.db.Now()))
	if err != nil {
		return Due{}, false, fmt.Errorf("look for the oldest job: %w", err)
	}
	found, err := store.Collect(rows, func(scan store.Scan) (d Due, err error) {
		var since int64
		err = scan(&d.Kind, &d.Pool, &since)
		d.Since = store.FromMicros(since)
		return d, err
	})
	if err != nil || len(found) == 0 {
		return Due{}, false, err
	}
	return found[0], true, nil
}
