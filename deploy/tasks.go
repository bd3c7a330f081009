package deploy

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
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

// likeness is what tasks have in common that start in one statement: how their
// rows were read, and what their gate and progress are.
type likeness struct {
	project            string
	revision           int64
	state              State
	attempts           int
	retryAt, startedAt int64
	progress           Progress
	alone              bool
}

func (s starting) likeness() likeness {
	return likeness{
		project: s.task.project, revision: s.view.revision, state: s.task.State, attempts: s.task.Attempts,
		retryAt: micros(s.task.RetryAt), startedAt: micros(s.task.StartedAt), progress: s.view.run.progress(), alone: s.alone,
	}
}

// startTasks marks tasks running whose row is as it was read, while their project
// is at the revision at which the gate was seen open, and no person has settled an
// outcome of them. Those to be alone are new, so that there is none to settle, and
// start if nothing else is to run on their database.
func startTasks(ctx context.Context, tx *store.Tx, items []starting) (begun []bool, last link, err error) {
	begun = make([]bool, len(items))
	alike := map[likeness][]int{}
	for i, item := range items {
		alike[item.likeness()] = append(alike[item.likeness()], i)
	}
	for like, those := range alike {
		ids := make([]string, len(those))
		for n, i := range those {
			ids[n] = items[i].task.ID
		}
		started, err := startAlike(ctx, tx, like, ids)
		if err != nil {
			return nil, last, err
		}
		for _, i := range those {
			_, begun[i] = started.attempts[items[i].task.ID]
			delete(started.attempts, items[i].task.ID) // of two that have one task, one has lost its lease
			if begun[i] {
				last = started.last
			}
		}
	}
	return begun, last, nil
}

func startAlike(ctx context.Context, tx *store.Tx, like likeness, ids []string) (begun marked, err error) {
	progress, err := encode(like.progress)
	if err != nil {
		return begun, err
	}
	given := []any{progress, like.state, micros(tx.Now()), like.attempts, like.retryAt, like.startedAt, like.project, like.revision, like.alone}
	err = inChunks(ids, 1+len(given), func(placeholders string, args []any) error {
		some, err := markTasks(ctx, tx, `UPDATE deploy_tasks SET state = 'running', attempts = attempts + 1, progress = $1, retry_at = 0,
				started_at = CASE WHEN started_at = 0 THEN $3 ELSE started_at END
			WHERE state = $2 AND attempts = $4 AND retry_at = $5 AND started_at = $6 AND project = $7
				AND (SELECT revision FROM deploy_projects WHERE id = $7) = $8
				AND ($9 OR NOT EXISTS (SELECT 1 FROM deploy_resolutions r WHERE r.task = deploy_tasks.id AND r.used_at = 0))
				AND (NOT $9 OR (SELECT 1 FROM deploy_tasks o WHERE o.database = deploy_tasks.database
					AND o.state IN ('queued', 'running') AND o.id <> deploy_tasks.id LIMIT 1) IS NULL)
				AND id IN (`+placeholders+`) RETURNING id, attempts, `+lastLink, slices.Concat(given, args)...)
		begun = begun.and(some)
		return err
	})
	return begun, err
}

// marked are tasks whose rows a statement has changed.
type marked struct {
	attempts map[string]int // by the task's id
	last     link           // of the audit then
}

// and adds those that another statement has changed.
func (m marked) and(more marked) marked {
	if len(m.attempts) == 0 {
		return more
	}
	maps.Copy(m.attempts, more.attempts)
	return m
}

func markTasks(ctx context.Context, tx *store.Tx, query string, args ...any) (m marked, err error) {
	m.attempts = map[string]int{}
	_, err = list(ctx, tx, func(scan store.Scan) (id string, err error) {
		var attempt int
		var last sql.NullString
		if err := scan(&id, &attempt, &last); err != nil {
			return id, err
		}
		m.attempts[id] = attempt
		m.last, err = readLink(last)
		return id, err
	}, query, args...)
	return m, err
}

// finishTasks writes what became of attempts, of those that are still their
// tasks' running ones. It returns the attempt that has ended, by the task's id.
func finishTasks(ctx context.Context, tx *store.Tx, tasks []storedTask) (finished marked, err error) {
	var rows, ids []string
	var args []any
	for _, t := range tasks {
		progress, failure, err := t.encoded()
		if err != nil {
			return finished, err
		}
		n := len(args)
		rows = append(rows, fmt.Sprintf("($%d, cast($%d AS bigint), $%d, $%d, $%d, cast($%d AS bigint), cast($%d AS bigint))",
			n+1, n+2, n+3, n+4, n+5, n+6, n+7))
		ids = append(ids, fmt.Sprintf("$%d", n+1))
		args = append(args, t.ID, t.Attempts, t.State, progress, failure, micros(t.RetryAt), micros(t.FinishedAt))
	}
	ended, those := strings.Join(rows, ", "), strings.Join(ids, ", ")
	return markTasks(ctx, tx, `WITH ended (task, attempt, outcome, shown, reason, again_at, over_at) AS (VALUES `+ended+`)
		UPDATE deploy_tasks SET state = ended.outcome, progress = ended.shown, failure = ended.reason,
			retry_at = ended.again_at, finished_at = ended.over_at
		FROM ended WHERE id IN (`+those+`) AND id = ended.task AND attempts = ended.attempt AND state = 'running' RETURNING id, attempts, `+lastLink, args...)
}

// underWay says whether any task of a stage is queued or running. Each state is
// asked for by itself: for both at once PostgreSQL, without statistics, walks over
// all the stage's tasks that are done.
func underWay(ctx context.Context, tx *store.Tx, key stageKey) (found bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM deploy_tasks WHERE release = $1 AND environment = $2 AND state = 'running')
		OR EXISTS (SELECT 1 FROM deploy_tasks WHERE release = $1 AND environment = $2 AND state = 'queued')`,
		key.release, key.environment).Scan(&found)
	return found, err
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
		err := tx.Later(ctx, `INSERT INTO deploy_outcomes (`+outcomeColumns+`, version_key)
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
