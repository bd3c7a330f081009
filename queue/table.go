package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// table is the jobs table; each method is one transition of the state machine or
// one question. A transition that finds the job elsewhere than it must be
// reports errLost or false and changes nothing.
type table struct {
	db    *store.DB
	lease time.Duration
}

// bounded ends what takes longer than a lease: a network that swallows the answer
// must not hold a worker, and later the answer is worth nothing.
func (t table) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, t.lease)
}

// errLost: the job is not running under this fence any more.
var errLost = fault.New(fault.Conflict, "the job's lease was lost to another worker")

const columns = `id, kind, key, pool, payload, attempts, fence, created_at, traceparent`

// first is true for a job (alias j) that nothing stands before: no job of its key
// runs, and no older one of its kind and key is due or waits to be tried again
// after a failure. Not written with NOT EXISTS, which PostgreSQL may turn into a
// join: without statistics it then reads all of the kind for each job. The kinds
// are compared in a way that no index knows, or it does the same with queue_jobs_due.
const first = `
	(SELECT 1 FROM queue_jobs r WHERE r.key = j.key AND r.state = 'running' LIMIT 1) IS NULL
	AND (SELECT 1 FROM queue_jobs e WHERE e.key = j.key AND e.kind || '' = j.kind AND e.state = 'ready' AND e.id < j.id
		AND (e.run_after <= $1 OR e.attempts > 0) LIMIT 1) IS NULL`

func claimSQL(ids int) string {
	return `
UPDATE queue_jobs AS j SET state = 'running', fence = fence + 1, lease_until = $2, updated_at = $1
WHERE j.id IN (` + placeholders("$%d", 3, ids) + `) AND j.state = 'ready' AND j.run_after <= $1 AND ` + first + `
RETURNING ` + columns
}

// claim takes those of the jobs that are still first: a compare-and-set by id.
func (t table) claim(ctx context.Context, ids []string) ([]Job, error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	now := t.db.Now()
	args := []any{store.Micros(now), store.Micros(now.Add(t.lease))}
	for _, id := range ids {
		args = append(args, id)
	}
	jobs, err := store.Returning(ctx, t.db, scanJob, claimSQL(len(ids)), args...)
	if err != nil {
		return nil, fmt.Errorf("claim %d jobs: %w", len(ids), err)
	}
	slices.SortFunc(jobs, func(a, b Job) int { return cmp.Compare(a.ID, b.ID) })
	return jobs, nil
}

const dueSQL = `
SELECT j.id FROM (
	SELECT id, key, kind FROM queue_jobs
	WHERE state = 'ready' AND pool = $2 AND kind = $3 AND (run_after, id) >= ($4, $5) AND run_after <= $6
	ORDER BY run_after, id LIMIT $7) j
WHERE ` + first

// due are the ids of the head and of jobs behind it, in its kind and pool and due
// by a time, that nothing stands before. No two are of one key. At most so many are
// looked at, also of those that stand behind another, so that a look has an end.
func (t table) due(ctx context.Context, h head, by time.Time, most int) ([]string, error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	rows, err := t.db.Query(ctx, dueSQL, store.Micros(t.db.Now()), h.pool, h.kind, store.Micros(h.due), h.id, store.Micros(by), most)
	if err != nil {
		return nil, fmt.Errorf("look for runnable jobs: %w", err)
	}
	return store.Collect(rows, scanID)
}

// head is the first runnable job of a kind and pool.
type head struct {
	kind, pool string
	due        time.Time
	id         string
}

// heads are the jobs that a worker for these kinds and pools could claim first, at
// most one per kind and pool, the one that is due longest first.
func (t table) heads(ctx context.Context, kinds, pools []string) ([]head, error) {
	if len(kinds) == 0 || len(pools) == 0 {
		return nil, nil
	}
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	args := []any{store.Micros(t.db.Now())}
	for _, name := range append(append([]string(nil), kinds...), pools...) {
		args = append(args, name)
	}
	rows, err := t.db.Query(ctx, headsSQL(len(kinds), len(pools)), args...)
	if err != nil {
		return nil, fmt.Errorf("look for runnable jobs: %w", err)
	}
	heads, err := store.Collect(rows, scanHead)
	if err != nil {
		return nil, fmt.Errorf("look for runnable jobs: %w", err)
	}
	heads = slices.DeleteFunc(heads, func(h head) bool { return h.id == "" })
	slices.SortFunc(heads, func(a, b head) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	return heads, nil
}

func scanHead(scan store.Scan) (h head, err error) {
	var first sql.NullString
	if err := scan(&h.kind, &h.pool, &first); err != nil || !first.Valid {
		return h, err
	}
	due, id, _ := strings.Cut(first.String, " ")
	us, err := strconv.ParseInt(due, 10, 64)
	h.due, h.id = store.FromMicros(us), id
	return h, err
}

// headsSQL goes to the first job of each kind and pool in queue_jobs_due,
// so it costs the same however many wait there, in other pools, or for later.
// What it must pass over are jobs that stand behind another of their key.
func headsSQL(kinds, pools int) string {
	return `
WITH kinds (kind) AS (VALUES ` + placeholders("($%d)", 2, kinds) + `), pools (pool) AS (VALUES ` + placeholders("($%d)", 2+kinds, pools) + `)
SELECT kinds.kind, pools.pool, (
	SELECT cast(j.run_after AS text) || ' ' || j.id FROM queue_jobs j
	WHERE j.state = 'ready' AND j.pool = pools.pool AND j.kind = kinds.kind AND j.run_after <= $1 AND ` + first + `
	ORDER BY j.run_after, j.id LIMIT 1)
FROM kinds CROSS JOIN pools`
}

const nextSQL = `SELECT j.id FROM queue_jobs j WHERE j.state = 'ready' AND j.run_after <= $1 AND j.key = $2 AND ` + first + ` ORDER BY j.id LIMIT 1`

// next is the id of the key's job that could run now, "" if there is none.
func (t table) next(ctx context.Context, key string) (id string, err error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	err = t.db.QueryRow(ctx, nextSQL, store.Micros(t.db.Now()), key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func scanID(scan store.Scan) (id string, err error) { return id, scan(&id) }

const renewSQL = `UPDATE queue_jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'`

// renew extends the lease of a claim.
func (t table) renew(ctx context.Context, job Job) error {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	result, err := t.db.Exec(ctx, renewSQL, store.Micros(t.db.Now().Add(t.lease)), job.ID, job.Fence)
	return changedOne(result, err)
}

const mineSQL = `SELECT count(*) FROM queue_jobs WHERE id = $1 AND fence = $2 AND state = 'running'`

func (t table) mine(ctx context.Context, job Job) error {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	var n int
	if err := t.db.QueryRow(ctx, mineSQL, job.ID, job.Fence).Scan(&n); err != nil {
		return fault.New(fault.Unreachable, "can't ask the store for the job's lease").Because(err)
	}
	if n == 0 {
		return errLost
	}
	return nil
}

const settleSQL = `
UPDATE queue_jobs SET state = $1, run_after = $2, attempts = $3, last_error = $4, lease_until = 0, updated_at = $5
WHERE id = $6 AND fence = $7 AND state = 'running' AND lease_until < $8`

// settle ends a claim as its ending says. A job to run again that a newer
// coalescing one has replaced meanwhile is done: the newer one does its work.
func (t table) settle(ctx context.Context, in store.Queryer, job Job, e ending) error {
	v := e.verdict
	if v.state == Ready {
		replaced, err := t.replaced(ctx, in, job)
		if err != nil {
			return err
		}
		if replaced {
			v.state = Done
		}
	}
	before := int64(math.MaxInt64)
	if !e.leaseBefore.IsZero() {
		before = store.Micros(e.leaseBefore)
	}
	return changedOne(in.Exec(ctx, settleSQL, string(v.state), store.Micros(v.runAfter), v.attempts, v.lastError,
		store.Micros(t.db.Now()), job.ID, job.Fence, before))
}

const replacedSQL = `
SELECT count(*) FROM queue_jobs j WHERE j.id = $1 AND j.coalesced AND EXISTS (
	SELECT 1 FROM queue_jobs n WHERE n.kind = j.kind AND n.key = j.key AND n.state = 'ready' AND n.coalesced)`

func (t table) replaced(ctx context.Context, in store.Queryer, job Job) (bool, error) {
	var n int
	err := in.QueryRow(ctx, replacedSQL, job.ID).Scan(&n)
	return n > 0, err
}

// finishSQL ends claims that did their work. A join with a list of them would take
// PostgreSQL longer to plan than to run.
func finishSQL(claims int) string {
	list := make([]string, claims)
	for i := range list {
		list[i] = fmt.Sprintf("(id = $%d AND fence = $%d)", 2+2*i, 3+2*i)
	}
	return `
UPDATE queue_jobs SET state = 'done', run_after = $1, last_error = '', lease_until = 0, updated_at = $1
WHERE state = 'running' AND (` + strings.Join(list, " OR ") + `) RETURNING id, fence`
}

// finish ends claims whose work is done, in one statement, and says for each
// whether it was held. Two claims of one job may be among them: one is stale.
func (t table) finish(ctx context.Context, claims []Job) (held []bool, err error) {
	args := []any{store.Micros(t.db.Now())}
	for _, job := range claims {
		args = append(args, job.ID, job.Fence)
	}
	ended, err := store.Returning(ctx, t.db, scanClaim, finishSQL(len(claims)), args...)
	held = make([]bool, len(claims))
	for i, job := range claims {
		held[i] = slices.Contains(ended, claim{job.ID, job.Fence})
	}
	return held, err
}

// claim names one claim of a job.
type claim struct {
	id    string
	fence int64
}

func scanClaim(scan store.Scan) (c claim, err error) { return c, scan(&c.id, &c.fence) }

// perLook bounds what one look of the reconciler takes back, and what it forgets.
const perLook = 1000

const expiredSQL = `SELECT ` + columns + ` FROM queue_jobs WHERE state = 'running' AND lease_until < $1 ORDER BY lease_until LIMIT $2`

// expired lists jobs whose worker does not renew any more.
func (t table) expired(ctx context.Context, now time.Time) ([]Job, error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	rows, err := t.db.Query(ctx, expiredSQL, store.Micros(now), perLook)
	if err != nil {
		return nil, fmt.Errorf("look for expired leases: %w", err)
	}
	return store.Collect(rows, scanJob)
}

const leaseEndSQL = `SELECT lease_until FROM queue_jobs WHERE state = 'running' ORDER BY lease_until LIMIT 1`

// nextLeaseEnd is when the first of the leases ends, if there are any.
func (t table) nextLeaseEnd(ctx context.Context) (end time.Time, ok bool, err error) {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	var us int64
	err = t.db.QueryRow(ctx, leaseEndSQL).Scan(&us)
	if errors.Is(err, sql.ErrNoRows) {
		return end, false, nil
	}
	return store.FromMicros(us), err == nil, err
}

const forgetSQL = `
DELETE FROM queue_jobs WHERE id IN (
	SELECT id FROM queue_jobs WHERE state = 'done' AND updated_at < $1 ORDER BY updated_at LIMIT $2)`

// forget removes jobs done before a time.
func (t table) forget(ctx context.Context, before time.Time) error {
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	_, err := t.db.Exec(ctx, forgetSQL, store.Micros(before), perLook)
	return err
}

func scanJob(scan store.Scan) (Job, error) {
	var job Job
	var payload string
	var created int64
	err := scan(&job.ID, &job.Kind, &job.Key, &job.Pool, &payload, &job.Attempts, &job.Fence, &created, &job.Trace)
	job.Payload, job.Created = []byte(payload), store.FromMicros(created)
	return job, err
}

func changedOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errLost
}

// placeholders is "($3), ($4)" for the form "($%d)", from 3 and n 2.
func placeholders(form string, from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(form, from+i)
	}
	return strings.Join(list, ", ")
}
