package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

const taskColumns = `id, release, project, environment, database, state, attempts, progress, failure,
	retry_at, created_at, started_at, finished_at, worker`

// storedTask is a task with its project and the pool of its database.
type storedTask struct {
	Task

	project string
	worker  string
}

func (t storedTask) stage() stageKey { return stageKey{t.Release, t.Environment} }

func readTask(scan store.Scan) (storedTask, error) {
	var t storedTask
	var progress, failure string
	var retry, created, started, finished int64
	err := scan(&t.ID, &t.Release, &t.project, &t.Environment, &t.Database, &t.State, &t.Attempts,
		&progress, &failure, &retry, &created, &started, &finished, &t.worker)
	if err != nil {
		return t, err
	}
	t.RetryAt, t.CreatedAt = fromMicros(retry), fromMicros(created)
	t.StartedAt, t.FinishedAt = fromMicros(started), fromMicros(finished)
	return t, decodeAll(column{progress, &t.Progress}, column{failure, &t.Failure})
}

// loadStageTasks reads up to limit of a stage's tasks in a state; with retrying
// only those that are tried again later.
func loadStageTasks(ctx context.Context, q store.Queryer, key stageKey, state State, retrying bool, limit int) ([]storedTask, error) {
	from := 0
	if retrying {
		from = 1
	}
	return list(ctx, q, readTask, `SELECT `+taskColumns+` FROM deploy_tasks
		WHERE release = $1 AND environment = $2 AND state = $3 AND retry_at >= $4 ORDER BY retry_at, database LIMIT $5`,
		key.release, key.environment, state, from, limit)
}

// loadTask reads one task again.
func loadTask(ctx context.Context, q store.Queryer, id string) (storedTask, error) {
	return readTask(q.QueryRow(ctx, `SELECT `+taskColumns+` FROM deploy_tasks WHERE id = $1`, id).Scan)
}

// claimable is a task as the transaction that starts it finds it.
type claimable struct {
	storedTask

	revision int64 // that its project is at
	answered bool  // a person settled an outcome of it
}

// loadClaimable reads tasks that are to start, by their ids.
func loadClaimable(ctx context.Context, tx *store.Tx, ids ...string) (map[string]claimable, error) {
	tasks := make(map[string]claimable, len(ids))
	return tasks, inChunks(ids, 1, func(placeholders string, args []any) error {
		rows, err := list(ctx, tx, readClaimable, `SELECT `+taskColumns+`,
			coalesce((SELECT p.revision FROM deploy_projects p WHERE p.id = deploy_tasks.project), 0),
			EXISTS (SELECT 1 FROM deploy_resolutions r WHERE r.task = deploy_tasks.id AND r.used_at = 0)
			FROM deploy_tasks WHERE id IN (`+placeholders+`)`, args...)
		for _, c := range rows {
			tasks[c.ID] = c
		}
		return err
	})
}

func readClaimable(scan store.Scan) (c claimable, err error) {
	c.storedTask, err = readTask(func(dest ...any) error { return scan(append(dest, &c.revision, &c.answered)...) })
	return c, err
}

// loadActive reads the tasks of one database that a worker should take, the one
// whose worker died first, then in the order of their creation.
func loadActive(ctx context.Context, q store.Queryer, database string) ([]storedTask, error) {
	return list(ctx, q, readTask, `SELECT `+taskColumns+` FROM deploy_tasks
		WHERE database = $1 AND state IN ('running', 'queued')
		ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, id`, database)
}

const taskWidth = 14 // columns of a task

// saveTasks inserts or replaces tasks' rows.
func saveTasks(ctx context.Context, tx *store.Tx, tasks ...storedTask) error {
	args := make([]any, 0, len(tasks)*taskWidth)
	for _, t := range tasks {
		progress, failure, err := t.encoded()
		if err != nil {
			return err
		}
		args = append(args, t.ID, t.Release, t.project, t.Environment, t.Database, t.State, t.Attempts, progress, failure,
			micros(t.RetryAt), micros(t.CreatedAt), micros(t.StartedAt), micros(t.FinishedAt), t.worker)
	}
	_, err := tx.Exec(ctx, `INSERT INTO deploy_tasks (`+taskColumns+`) VALUES `+store.Rows(len(tasks), taskWidth)+`
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
			progress = excluded.progress, failure = excluded.failure, retry_at = excluded.retry_at,
			started_at = excluded.started_at, finished_at = excluded.finished_at`, args...)
	return err
}

func (t storedTask) encoded() (progress, failure string, err error) {
	if progress, err = encode(t.Progress); err != nil {
		return "", "", err
	}
	failure, err = optional(t.Failure)
	return progress, failure, err
}

// finishTasks writes what became of attempts, of those that are still their
// tasks' running ones. It returns the attempt that has ended, by the task's id.
func finishTasks(ctx context.Context, tx *store.Tx, tasks []storedTask) (finished map[string]int, err error) {
	var rows []string
	var args []any
	for _, t := range tasks {
		progress, failure, err := t.encoded()
		if err != nil {
			return nil, err
		}
		n := len(args)
		rows = append(rows, fmt.Sprintf("($%d, cast($%d AS bigint), $%d, $%d, $%d, cast($%d AS bigint), cast($%d AS bigint))",
			n+1, n+2, n+3, n+4, n+5, n+6, n+7))
		args = append(args, t.ID, t.Attempts, t.State, progress, failure, micros(t.RetryAt), micros(t.FinishedAt))
	}
	ended := strings.Join(rows, ", ")
	type row struct {
		task    string
		attempt int
	}
	written, err := list(ctx, tx, func(scan store.Scan) (r row, err error) { return r, scan(&r.task, &r.attempt) }, `WITH ended (task, attempt, outcome, shown, reason, again_at, over_at) AS (VALUES `+ended+`)
		UPDATE deploy_tasks SET state = ended.outcome, progress = ended.shown, failure = ended.reason,
			retry_at = ended.again_at, finished_at = ended.over_at
		FROM ended WHERE id = ended.task AND attempts = ended.attempt AND state = 'running' RETURNING id, attempts`, args...)
	finished = make(map[string]int, len(written))
	for _, r := range written {
		finished[r.task] = r.attempt
	}
	return finished, err
}

// underWay says whether any task of a stage is queued or running.
func underWay(ctx context.Context, tx *store.Tx, key stageKey) (bool, error) {
	found, err := list(ctx, tx, text, `SELECT id FROM deploy_tasks
		WHERE release = $1 AND environment = $2 AND state IN ('queued', 'running') LIMIT 1`, key.release, key.environment)
	return len(found) > 0, err
}

// saveProgress stores progress only while this attempt is the running one.
func saveProgress(ctx context.Context, tx *store.Tx, t storedTask, p Progress) error {
	progress, err := encode(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE deploy_tasks SET progress = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'`,
		t.ID, t.Attempts, progress)
	return err
}

// begun says whether a worker has touched any task of a stage and may again.
func begun(ctx context.Context, tx *store.Tx, key stageKey) (bool, error) {
	found, err := list(ctx, tx, text, `SELECT id FROM deploy_tasks
		WHERE release = $1 AND environment = $2 AND state IN ('queued', 'running') AND attempts > 0 LIMIT 1`, key.release, key.environment)
	return len(found) > 0, err
}

const outcomeColumns = `project, database, version, path, environment, release, checksum, state, at`

// outcome is what one database's ledger was seen to hold of one version.
type outcome struct {
	project, database, version, path, environment, release, checksum string
	state                                                            State
	at                                                               time.Time
	repeatable                                                       bool // not stored
}

func readOutcome(scan store.Scan) (outcome, error) {
	var o outcome
	var at int64
	err := scan(&o.project, &o.database, &o.version, &o.path, &o.environment, &o.release, &o.checksum, &o.state, &at)
	o.at = fromMicros(at)
	return o, err
}

const outcomeWidth = 10 // columns of an outcome, and its version's key

// insertOutcomes records outcomes; the first word on a version stands, because
// what was applied stays applied. Of what is repeatable the last text's stands.
func insertOutcomes(ctx context.Context, tx *store.Tx, outcomes []outcome) error {
	var once []any
	for _, o := range outcomes {
		row := []any{o.project, o.database, o.version, o.path, o.environment, o.release, o.checksum, o.state, micros(o.at), executor.VersionKey(o.version)}
		if !o.repeatable {
			once = append(once, row...)
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO deploy_outcomes (`+outcomeColumns+`, version_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (project, database, version_key) DO UPDATE SET release = excluded.release, checksum = excluded.checksum,
				state = excluded.state, at = excluded.at, path = excluded.path
			WHERE deploy_outcomes.checksum <> excluded.checksum`, row...)
		if err != nil {
			return err
		}
	}
	for part := range slices.Chunk(once, chunk*outcomeWidth) {
		_, err := tx.Exec(ctx, `INSERT INTO deploy_outcomes (`+outcomeColumns+`, version_key)
			VALUES `+store.Rows(len(part)/outcomeWidth, outcomeWidth)+` ON CONFLICT (project, database, version_key) DO NOTHING`, part...)
		if err != nil {
			return err
		}
	}
	return nil
}

// loadOutcomes reads where a version stands.
func loadOutcomes(ctx context.Context, q store.Queryer, project, version string) ([]outcome, error) {
	return list(ctx, q, readOutcome, `SELECT `+outcomeColumns+` FROM deploy_outcomes
		WHERE project = $1 AND version_key = $2 ORDER BY database`, project, executor.VersionKey(version))
}

// resolution is a person's word on an ambiguous step of a task.
type resolution struct {
	id, task, version, answer string
	step                      int
	actor                     Actor
	at                        time.Time
}

func insertResolution(ctx context.Context, tx *store.Tx, r resolution) error {
	actor, err := encode(r.actor)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deploy_resolutions (id, task, version, step, answer, actor, at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		r.id, r.task, r.version, r.step, r.answer, actor, micros(r.at))
	return err
}

// useResolutions takes the answers given for a task. Each serves one run only:
// "retry" given once must not run a statement twice when the worker dies again.
func useResolutions(ctx context.Context, tx *store.Tx, task string) ([]executor.Resolution, error) {
	used, err := list(ctx, tx, func(scan store.Scan) (executor.Resolution, error) {
		var r executor.Resolution
		return r, scan(&r.Version, &r.N, &r.Answer)
	}, `SELECT version, step, answer FROM deploy_resolutions WHERE task = $1 AND used_at = 0 ORDER BY id`, task)
	if err != nil || len(used) == 0 {
		return nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE deploy_resolutions SET used_at = $2 WHERE task = $1 AND used_at = 0`, task, micros(tx.Now()))
	return used, err
}
