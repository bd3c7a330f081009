package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/runner"
)

// Observe implements runner.Observed.
func (s *session) Observe(ctx context.Context) (runner.Observer, error) {
	conn, err := s.target.neutral(ctx, program(s.run.Task)+"/watch")
	if err != nil {
		return nil, err
	}
	return &observer{connection: conn, id: s.id, lock: s.lock, mariadb: s.facts.flavour() == syntax.MariaDB}, nil
}

// observer looks at one session through a connection of its own.
type observer struct {
	*connection

	id      int64
	lock    string
	mariadb bool
}

// Close implements runner.Observer.
func (o *observer) Close() { o.close() }

// Look implements runner.Observer. What the login may not see, or the server does
// not gather, is left out.
func (o *observer) Look(ctx context.Context) (runner.Sight, error) {
	var sight runner.Sight
	ours, err := o.ours(ctx)
	if err != nil || !ours {
		return sight, err
	}
	look := mysqlSight
	if o.mariadb {
		look = mariadbSight
	}
	if sight, err = look(ctx, o); err != nil {
		return sight, err
	}
	if state := strings.ToLower(sight.Phase); strings.Contains(state, "lock") && strings.HasPrefix(state, "waiting for") {
		sight = runner.Sight{Waits: "waits" + strings.TrimPrefix(state, "waiting")}
	}
	blocker, err := o.blocker(ctx)
	switch {
	case broken(err):
		return sight, err
	case err == nil && blocker != "" && sight.Waits == "":
		sight.Waits = "waits for a lock of " + blocker
	case err == nil && blocker != "":
		sight.Waits += " of " + blocker
	}
	return sight, nil
}

// ours says that the connection's number is still that of the session which holds
// the database's lock, and of the same login.
func (o *observer) ours(ctx context.Context) (ours bool, err error) {
	err = o.QueryRowContext(ctx, `SELECT coalesce(IS_USED_LOCK(?) = ID, 0) FROM information_schema.PROCESSLIST
		WHERE ID = ? AND USER = SUBSTRING_INDEX(USER(), '@', 1)`, o.lock, o.id).Scan(&ours)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return ours, err
}

// perStage is in how many parts MariaDB's share of a stage is counted.
const perStage = 1000

// mariadbSight reads what MariaDB tells of ALTER TABLE, CREATE INDEX, LOAD DATA
// and others. https://mariadb.com/kb/en/progress-reporting/
func mariadbSight(ctx context.Context, o *observer) (runner.Sight, error) {
	var state sql.NullString
	var stage, stages int
	var share float64 // percent of the stage
	err := o.QueryRowContext(ctx, "SELECT STATE, STAGE, MAX_STAGE, PROGRESS FROM information_schema.PROCESSLIST WHERE ID = ?", o.id).
		Scan(&state, &stage, &stages, &share)
	if err != nil {
		return runner.Sight{}, err
	}
	sight := runner.Sight{Phase: state.String}
	if stages > 0 {
		sight.Done, sight.Of = int64(math.Round(share*perStage/100)), perStage
		if stages > 1 {
			sight.Phase += fmt.Sprintf(" (stage %d of %d)", stage, stages)
		}
	}
	return sight, nil
}

// mysqlSight reads the stage that MySQL's performance schema gathers, where it
// does, and else the process list's word.
// https://dev.mysql.com/doc/refman/8.4/en/monitor-alter-table-performance-schema.html
func mysqlSight(ctx context.Context, o *observer) (runner.Sight, error) {
	var state sql.NullString
	err := o.QueryRowContext(ctx, "SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = ?", o.id).Scan(&state)
	if err != nil {
		return runner.Sight{}, err
	}
	sight := runner.Sight{Phase: state.String}
	var event string
	var done, of sql.NullInt64
	err = o.QueryRowContext(ctx, `SELECT EVENT_NAME, WORK_COMPLETED, WORK_ESTIMATED
		FROM performance_schema.events_stages_current JOIN performance_schema.threads USING (THREAD_ID)
		WHERE PROCESSLIST_ID = ? AND WORK_ESTIMATED > 0`, o.id).Scan(&event, &done, &of)
	if err == nil {
		sight.Phase, sight.Done, sight.Of = event[strings.LastIndex(event, "/")+1:], done.Int64, of.Int64
	} else if broken(err) {
		return sight, err
	}
	return sight, nil
}

// Who holds what the session waits for: row locks, then metadata locks. Each may
// need a privilege, a plugin or an instrument; then it fails, or is empty.
var (
	mariadbBlockers = []string{
		`SELECT b.trx_mysql_thread_id, min(b.trx_started) FROM information_schema.INNODB_LOCK_WAITS w
			JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
			JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
			WHERE r.trx_mysql_thread_id = ? GROUP BY 1 ORDER BY 2`,
		`SELECT DISTINCT b.THREAD_ID, t.trx_started FROM information_schema.METADATA_LOCK_INFO a
			JOIN information_schema.METADATA_LOCK_INFO b ON b.THREAD_ID <> a.THREAD_ID
				AND (b.LOCK_TYPE, b.TABLE_SCHEMA, b.TABLE_NAME) = (a.LOCK_TYPE, a.TABLE_SCHEMA, a.TABLE_NAME)
			LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = b.THREAD_ID
			JOIN information_schema.PROCESSLIST p ON p.ID = a.THREAD_ID AND p.STATE LIKE 'Waiting for table metadata lock'
			WHERE a.THREAD_ID = ? AND a.LOCK_TYPE = 'Table metadata lock' ORDER BY t.trx_started IS NULL, t.trx_started`,
	}
	mysqlBlockers = []string{
		// MySQL tells a transaction's start in the time zone of its machine.
		`SELECT blocking_pid, CONVERT_TZ(blocking_trx_started, 'SYSTEM', '+00:00') FROM sys.innodb_lock_waits
			WHERE waiting_pid = ? ORDER BY blocking_trx_started`,
		`SELECT blocking_pid, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') FROM sys.schema_table_lock_waits
			LEFT JOIN information_schema.INNODB_TRX ON trx_mysql_thread_id = blocking_pid
			WHERE waiting_pid = ? AND blocking_pid <> waiting_pid ORDER BY trx_started IS NULL, trx_started`,
	}
)

// blocker names the session in whose way ours is waiting, "" when the server
// doesn't tell.
func (o *observer) blocker(ctx context.Context) (string, error) {
	queries := mysqlBlockers
	if o.mariadb {
		queries = mariadbBlockers
	}
	for _, query := range queries {
		var id int64
		var since sql.NullTime
		switch err := o.QueryRowContext(ctx, query, o.id).Scan(&id, &since); {
		case broken(err):
			return "", err
		case err == nil:
			return o.describe(ctx, id, since)
		}
	}
	return "", nil
}

// describe names a session; its login is in quotes, because it is another's word.
func (o *observer) describe(ctx context.Context, id int64, since sql.NullTime) (string, error) {
	var login, command string
	err := o.QueryRowContext(ctx, "SELECT USER, COMMAND FROM information_schema.PROCESSLIST WHERE ID = ?", id).Scan(&login, &command)
	name := "another login"
	switch {
	case broken(err):
		return "", err
	case err == nil:
		name = "'" + strings.ReplaceAll(login, "'", "’") + "'"
	}
	text := fmt.Sprintf("%s (connection %d", name, id)
	if since.Valid {
		text += ", in a transaction since " + since.Time.UTC().Format(time.RFC3339)
	}
	if command == "Sleep" {
		text += ", idle"
	}
	return text + ")", nil
}
