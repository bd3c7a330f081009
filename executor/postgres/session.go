package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// The advisory lock's two numbers: "ship" and "sql" in ASCII. They never change,
// or two versions of ShipSQL would not exclude each other.
const (
	lockClass  int32 = 0x73686970
	lockObject int32 = 0x73716c
)

// session is the connection of one run, which holds the database's lock.
type session struct {
	*pgx.Conn

	target      *target
	parser      *syntax.Parser
	run         executor.Run
	version     int    // server_version_num
	pid         uint32 // of the server's process, whatever a pooler says
	epoch       int64  // 0 before it is minted
	fence       string // see fenceSQL; "" before the epoch is minted
	dirty       bool   // a file may have left things in the session
	accompanied bool   // the companion's table is there

	prepared map[string]string // names on the server by text, see prepareOwn; nil: nothing is prepared
}

// open connects, checks that the server can hold our lock and take our writes,
// takes the lock and mints the epoch.
func (t *target) open(ctx context.Context, run executor.Run, h *home) (*session, error) {
	params := settings(run.Limits, run.Task)
	conn, err := t.connect(ctx, params)
	if err != nil {
		return nil, err
	}
	s := &session{Conn: conn, target: t, parser: t.parser, run: run}
	if err := s.ready(ctx, params, h); err != nil {
		closeQuietly(ctx, conn)
		return nil, err
	}
	return s, nil
}

// ready takes the steps to a session that may run files, in order.
func (s *session) ready(ctx context.Context, params map[string]string, h *home) error {
	for _, step := range []func() error{
		func() error { return s.check(ctx, params) },
		func() error { return s.checkPooler(ctx, s.target, params) },
		func() error { return s.checkHome(ctx, h) },
		func() error { return s.checkRole(ctx) },
		func() error { return s.lock(ctx) },
		func() error { return runner.StillMine(ctx, s.run) },
		func() error { return s.mint(ctx) },
		func() error { return s.checkEpoch(h) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) where() string { return where(s.Conn) }

func (s *session) check(ctx context.Context, params map[string]string) error {
	var replica, readOnly bool
	var lockTimeout string
	err := s.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
		current_setting('server_version_num')::int, (extract(epoch FROM current_setting('lock_timeout')::interval) * 1000)::bigint::text, pg_backend_pid()::bigint`).
		Scan(&replica, &readOnly, &s.version, &lockTimeout, &s.pid)
	switch {
	case err != nil:
		return s.lost(err)
	case replica:
		return isReplica(s.where())
	case readOnly:
		return fault.New(fault.Conflict, "the database or login is set to read only").At(s.where()).Then("turn default_transaction_read_only off for it")
	case lockTimeout != params["lock_timeout"]:
		return settingsRefused(s.where())
	}
	return nil
}

// checkPooler finds out whether each transaction may get another server process.
// A pooler shows by a process id, s.pid, that differs from the one in the protocol.
// One that takes turns is found by asking twice, one that prefers the process used
// last by asking through a second connection.
func (s *session) checkPooler(ctx context.Context, t *target, params map[string]string) error {
	if s.pid == s.PgConn().PID() {
		return nil
	}
	again, err := backendPID(ctx, s.Conn)
	if err != nil {
		return s.lost(err)
	}
	other, err := t.connect(ctx, params)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, other)
	others, err := backendPID(ctx, other)
	if err != nil {
		return s.lost(err)
	}
	if again != s.pid || others == s.pid {
		return poolerRefused(s.where())
	}
	return nil
}

// checkRole finds out whether the files may run as the run's role.
func (s *session) checkRole(ctx context.Context) error {
	if s.run.Role == "" {
		return nil
	}
	role, login := pgx.Identifier{s.run.Role}.Sanitize(), pgx.Identifier{s.Config().User}.Sanitize()
	_, err := s.Exec(ctx, setRole("SET ROLE ", s.run.Role))
	if err == nil {
		_, err = s.Exec(ctx, "RESET ROLE")
	}
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg), disconnected(pg):
		return s.lost(err)
	case pg.Code == "42501":
		return fault.New(fault.Denied, "the login %s may not become the role %s that the files run as", login, role).At(s.where()).Because(err).
			Then("run GRANT %s TO %s", role, login)
	}
	return fault.New(fault.Invalid, "the files can't run as the role %s", role).At(s.where()).Because(err).Then("correct set_role, or create the role")
}

func backendPID(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()::bigint").Scan(&pid)
	return pid, err
}

// takeLock takes the lock twice; fenceSQL says why.
const takeLock = "SELECT CASE WHEN pg_try_advisory_lock($1, $2) THEN pg_try_advisory_lock($1, $2) ELSE false END"

// lock takes the database's lock. It polls outside of a transaction: one that
// waited inside would be waited for by CREATE INDEX CONCURRENTLY, a deadlock.
func (s *session) lock(ctx context.Context) error {
	deadline := time.Now().Add(s.run.Limits.LockRetryFor)
	told := ""
	for attempt := 0; ; attempt++ {
		var held bool
		if err := s.QueryRow(ctx, takeLock, lockClass, lockObject).Scan(&held); err != nil || held {
			return s.lost(err)
		}
		holder, err := s.holder(ctx)
		if err != nil {
			return s.lost(err)
		}
		if holder != told {
			told = holder
			runner.Progress(s.run, executor.Event{State: executor.EventWaiting, Detail: "another run holds the database's lock: " + holder})
		}
		if time.Now().After(deadline) {
			return fault.New(fault.LockTimeout, "another run holds the database's lock: %s", holder).At(s.where()).Then("trying again is safe")
		}
		if err := runner.Pause(ctx, attempt, time.Second); err != nil {
			return err
		}
		if err := runner.StillMine(ctx, s.run); err != nil {
			return err
		}
	}
}

// holder tells who has the lock and since when.
func (s *session) holder(ctx context.Context) (string, error) {
	var name string
	var pid int32
	var since *time.Time // hidden from logins that may not see other sessions
	err := s.QueryRow(ctx, `SELECT coalesce(nullif(a.application_name, ''), 'unnamed session'), a.pid, a.backend_start
		FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid
		  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		int64(lockClass), int64(lockObject)).Scan(&name, &pid, &since)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "a session that just ended", nil
	case err != nil || since == nil:
		return fmt.Sprintf("%s (pid %d)", name, pid), err
	}
	return fmt.Sprintf("%s (pid %d), since %s", name, pid, since.UTC().Format(time.RFC3339)), nil
}

func applicationName(task string, epoch int64) string {
	if task == "" {
		task = "cli"
	}
	if epoch == 0 {
		return "shipsql/" + task
	}
	return fmt.Sprintf("shipsql/%s/%d", task, epoch)
}

// lost gives an error of our own queries its meaning. nil stays nil.
func (s *session) lost(err error) error { return explained(s.Conn, err) }
