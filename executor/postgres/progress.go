package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
)

// Observe implements runner.Observed.
func (s *session) Observe(ctx context.Context) (runner.Observer, error) {
	params := settings(executor.Limits{LockTimeout: time.Second, StatementTimeout: time.Second}, "watch")
	conn, err := s.target.connect(ctx, params)
	if err != nil {
		return nil, err
	}
	return &observer{conn: conn, pid: s.pid, name: applicationName(s.run.Task, s.epoch), sql: progressSQL(s.version)}, nil
}

// observer looks at one session through a connection of its own.
type observer struct {
	conn *pgx.Conn
	pid  uint32
	name string // the session's application_name: a process id may be another's by now
	sql  string
}

// Close implements runner.Observer.
func (o *observer) Close() { closeQuietly(context.Background(), o.conn) }

// Look implements runner.Observer.
func (o *observer) Look(ctx context.Context) (runner.Sight, error) {
	var sight runner.Sight
	err := o.conn.QueryRow(ctx, o.sql, o.pid, o.name).Scan(&sight.Phase, &sight.Done, &sight.Of, &sight.Unit)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return sight, err
	}
	sight.Waits, err = o.waits(ctx)
	return sight, err
}

// A part of progressSQL: what one of the server's views of progress tells.
// https://www.postgresql.org/docs/current/progress-reporting.html
type progressView struct {
	since int    // server_version_num
	query string // phase, done, of, unit; 0 of: not known
}

var progressViews = []progressView{
	{120000, `SELECT pid, phase,
		CASE WHEN phase LIKE 'waiting%' THEN lockers_done WHEN phase LIKE '%tuples%' THEN tuples_done ELSE blocks_done END,
		CASE WHEN phase LIKE 'waiting%' THEN lockers_total WHEN phase LIKE '%tuples%' THEN tuples_total ELSE blocks_total END,
		CASE WHEN phase LIKE 'waiting%' THEN 'sessions' WHEN phase LIKE '%tuples%' THEN 'tuples' ELSE 'blocks' END
		FROM pg_stat_progress_create_index`},
	{120000, `SELECT pid, lower(command) || ': ' || phase,
		CASE WHEN heap_blks_total > 0 THEN heap_blks_scanned ELSE heap_tuples_written END, heap_blks_total,
		CASE WHEN heap_blks_total > 0 THEN 'blocks' ELSE 'tuples' END FROM pg_stat_progress_cluster`},
	{90600, `SELECT pid, 'vacuum: ' || phase, CASE WHEN phase = 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END,
		heap_blks_total, 'blocks' FROM pg_stat_progress_vacuum`},
	{130000, `SELECT pid, 'analyze: ' || phase, sample_blks_scanned, sample_blks_total, 'blocks' FROM pg_stat_progress_analyze`},
	{140000, `SELECT pid, lower(command), bytes_processed, bytes_total, 'bytes' FROM pg_stat_progress_copy`},
}

// progressSQL asks all views that the server has about process $1, if it still
// is the session named $2.
func progressSQL(version int) string {
	var views []string
	for _, v := range progressViews {
		if version >= v.since {
			views = append(views, v.query)
		}
	}
	return `SELECT phase, done, total, unit FROM (` + strings.Join(views, " UNION ALL ") + `) p (pid, phase, done, total, unit)
		JOIN pg_stat_activity a USING (pid) WHERE pid = $1::bigint AND a.application_name = $2 LIMIT 1`
}

// waits tells in whose way the session is waiting, as far as the login may see
// others: the name of any, but not what they do.
func (o *observer) waits(ctx context.Context) (string, error) {
	rows, err := o.conn.Query(ctx, `SELECT b.pid, coalesce(nullif(b.application_name, ''), nullif(b.backend_type, 'client backend'), ''), coalesce(b.state, ''), coalesce(b.state_change, b.query_start)
		FROM pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) AS other (pid) JOIN pg_stat_activity b USING (pid)
		WHERE a.pid = $1::bigint AND a.application_name = $2 AND a.wait_event_type = 'Lock' ORDER BY b.xact_start NULLS LAST, b.pid`, o.pid, o.name)
	if err != nil {
		return "", err
	}
	blockers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[blocker])
	if err != nil || len(blockers) == 0 {
		return "", err
	}
	text := "waits for a lock of " + blockers[0].String()
	if n := len(blockers) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text, nil
}

// blocker is a session that another waits for.
type blocker struct {
	PID   int32
	Name  string
	State string     // "" for those who may not know
	Since *time.Time // of the state
}

// String names the session; its own name is in quotes, because anybody may choose
// any.
func (b blocker) String() string {
	name := "an unnamed session"
	if b.Name != "" {
		name = "'" + strings.ReplaceAll(b.Name, "'", "’") + "'"
	}
	text := fmt.Sprintf("%s (pid %d", name, b.PID)
	if b.State != "" && b.Since != nil {
		text += fmt.Sprintf(", %s since %s", b.State, b.Since.UTC().Format(time.RFC3339))
	}
	return text + ")"
}
