package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// newRow is a job as it is inserted.
type newRow struct {
	NewJob

	id      string
	payload string
}

func (q *Queue) newRow(ctx context.Context, tx *store.Tx, job NewJob) (newRow, error) {
	if job.Kind == "" || job.Key == "" {
		return newRow{}, fault.New(fault.Internal, "a job needs a kind and a key, got %q and %q", job.Kind, job.Key)
	}
	payload, err := json.Marshal(job.Payload)
	if err != nil {
		return newRow{}, fmt.Errorf("payload of a %s job: %w", job.Kind, err)
	}
	if job.RunAfter.IsZero() {
		job.RunAfter = dueIn(tx.Now(), 0)
	}
	if job.Trace == "" {
		job.Trace = TraceOf(ctx)
	}
	return newRow{NewJob: job, id: q.ids.At(tx.Now()), payload: string(payload)}, nil
}

// together is how many jobs one statement inserts.
const together = 100

// insert adds jobs and returns the ids that remain.
func (t table) insert(ctx context.Context, tx *store.Tx, rows []newRow) (ids []string, err error) {
	for len(rows) > 0 {
		n := alike(rows[:min(len(rows), together)])
		remain, err := t.insertTogether(ctx, tx, rows[:n])
		if err != nil {
			return nil, fmt.Errorf("enqueue a %s job: %w", rows[0].Kind, err)
		}
		ids, rows = append(ids, remain...), rows[n:]
	}
	return ids, nil
}

// slot is what coalescing jobs share.
type slot struct{ kind, key string }

func (r newRow) slot() slot { return slot{r.Kind, r.Key} }

// alike is how many of the rows one statement can insert: all that may join
// another job, or all that may not, and of those of a slot the first, since a
// statement can't join two of its own rows.
func alike(rows []newRow) (n int) {
	seen := map[slot]bool{}
	for n < len(rows) && rows[n].Coalesce == rows[0].Coalesce && !seen[rows[n].slot()] {
		seen[rows[n].slot()] = rows[n].Coalesce
		n++
	}
	return n
}

const rowWidth = 8 // parameters of a row, the time apart

func (t table) insertTogether(ctx context.Context, tx *store.Tx, rows []newRow) ([]string, error) {
	args := []any{store.Micros(tx.Now())}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
		args = append(args, r.id, r.Kind, r.Key, r.Pool, r.Coalesce, r.payload, store.Micros(r.RunAfter), r.Trace)
	}
	if rows[0].Coalesce {
		return insertJoining(ctx, tx, rows, args)
	}
	_, err := tx.Exec(ctx, insertSQL(len(rows)), args...)
	return ids, err
}

// insertJoining inserts jobs of different slots, and returns who has each slot.
func insertJoining(ctx context.Context, tx *store.Tx, rows []newRow, args []any) ([]string, error) {
	found, err := tx.Query(ctx, insertSQL(len(rows))+joinSQL, args...)
	if err != nil {
		return nil, err
	}
	holders := make(map[slot]string, len(rows))
	_, err = store.Collect(found, func(scan store.Scan) (s slot, err error) {
		var id string
		err = scan(&id, &s.kind, &s.key)
		holders[s] = id
		return s, err
	})
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = holders[r.slot()]
	}
	return ids, err
}

func insertSQL(rows int) string {
	values := make([]string, rows)
	for i := range values {
		n := 2 + i*rowWidth
		values[i] = fmt.Sprintf("($%d, $%d, $%d, $%d, $%d, $%d, 'ready', $%d, 0, 0, 0, '', $1, $1, $%d)",
			n, n+1, n+2, n+3, n+4, n+5, n+6, n+7)
	}
	return `
INSERT INTO queue_jobs (id, kind, key, pool, coalesced, payload, state, run_after, attempts, fence, lease_until, last_error, created_at, updated_at, traceparent)
VALUES ` + strings.Join(values, ", ")
}

const joinSQL = `
ON CONFLICT (kind, key) WHERE state = 'ready' AND coalesced DO UPDATE SET
	payload = excluded.payload, attempts = 0, last_error = '', updated_at = excluded.updated_at, traceparent = excluded.traceparent,
	run_after = CASE WHEN excluded.run_after < queue_jobs.run_after THEN excluded.run_after ELSE queue_jobs.run_after END
RETURNING id, kind, key`

// Enqueue adds jobs in the caller's transaction and rings once it is committed.
// ctx's trace goes along with them. A [store.DB.TxUnordered] will do.
func (q *Queue) Enqueue(ctx context.Context, tx *store.Tx, jobs ...NewJob) error {
	rows := make([]newRow, len(jobs))
	for i, job := range jobs {
		var err error
		if rows[i], err = q.newRow(ctx, tx, job); err != nil {
			return err
		}
	}
	ids, err := q.jobs.insert(ctx, tx, rows)
	if err != nil {
		return err
	}
	q.announce(ctx, tx, rows, ids)
	return nil
}

// ringsAtOnce is how many of many new jobs are rung for: more than there are
// processes to wake. A worker that wakes works until nothing is left, and wakes
// others.
const ringsAtOnce = 32

// announce rings after the commit: now for what is due, else when it will be.
func (q *Queue) announce(ctx context.Context, tx *store.Tx, rows []newRow, ids []string) {
	ctx = context.WithoutCancel(ctx)
	var due []string
	for i, r := range rows {
		if r.RunAfter.After(tx.Now()) {
			tx.AfterCommit(func() { q.ringAt(ctx, ids[i], r.RunAfter) })
		} else if len(due) < ringsAtOnce {
			due = append(due, ids[i])
		}
	}
	tx.AfterCommit(func() { q.ring(ctx, due...) })
}

// ring wakes workers, here and elsewhere. A bell that fails costs only time.
func (q *Queue) ring(ctx context.Context, ids ...string) {
	if len(ids) == 0 {
		return
	}
	if err := q.bell.Ring(ctx, ids...); err != nil {
		q.log.Warn("The bell failed; workers find the jobs by polling", "error", err)
	}
}

// ringAt rings when a job becomes due, if that is before the reconciler would.
func (q *Queue) ringAt(ctx context.Context, id string, due time.Time) {
	if wait := due.Sub(q.db.Now()); wait < q.options.Reconcile {
		time.AfterFunc(wait, func() { q.ring(context.WithoutCancel(ctx), id) })
	}
}
