package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// lockPrefix and lockName make the lock's name. It never changes, or two versions
// of ShipSQL would not exclude each other.
const lockPrefix = "shipsql/"

// maxLockName is the longest name that MySQL takes, in characters.
// https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
const maxLockName = 64

// lockName names the lock of a database: locks are the whole server's. Names that
// differ in case only are one lock, as they are one database on some servers.
func lockName(database string) string {
	name := lockPrefix + strings.ToLower(database)
	if len(name) <= maxLockName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return lockPrefix + hex.EncodeToString(sum[:])[:maxLockName-len(lockPrefix)]
}

// session is the connection of one run, which holds the database's lock.
type session struct {
	*connection

	target *target
	run    executor.Run
	facts  facts
	lock   string // the lock's name
	id     int64  // CONNECTION_ID()
	epoch  int64  // the fence; 0 before it is minted
	left   leavings
	aside  *connection // see beside; nil until it is needed
	inner  innerTables
	stored map[string]bool // functions that somebody made, in lower case
	ready  bool            // the companion's tables are made
	ahead  announcement    // the ledger knows it, and it was not sent
}

// open connects, checks that the server can take our writes, takes the lock and
// mints the epoch.
func (t *target) open(ctx context.Context, run executor.Run) (*session, error) {
	conn, err := t.connect(ctx, program(run.Task))
	if err != nil {
		return nil, err
	}
	s := &session{connection: conn, target: t, run: run}
	if err := s.begin(ctx); err != nil {
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

// Close implements runner.Session.
func (s *session) Close(ctx context.Context) {
	s.withdraw(ctx)
	if s.aside != nil {
		s.aside.close()
	}
	s.close()
}

func (s *session) begin(ctx context.Context) (err error) {
	if s.run.Role != "" {
		return fault.New(fault.Unsupported, "migrations run as the login on MySQL and MariaDB, not as the role %s", s.run.Role).Then("take set_role out, or give the URL of another login")
	}
	if s.facts, err = s.connection.facts(ctx); err != nil {
		return s.explained(err)
	}
	if refusal := s.facts.refuse(); refusal != nil {
		return refusal.At(s.at)
	}
	if err := s.standard(ctx); err != nil {
		return s.explained(err)
	}
	if err := s.takeLock(ctx); err != nil {
		return err
	}
	if err := runner.StillMine(ctx, s.run); err != nil {
		return err
	}
	return s.mint(ctx)
}

// takeLock polls for the database's lock: whoever waited inside GET_LOCK could
// not be told that its run is over.
func (s *session) takeLock(ctx context.Context) error {
	var database string
	if err := s.QueryRowContext(ctx, "SELECT CONNECTION_ID(), DATABASE()").Scan(&s.id, &database); err != nil {
		return s.explained(err)
	}
	s.lock, s.database = lockName(database), database
	deadline := time.Now().Add(s.run.Limits.LockRetryFor)
	told := ""
	for attempt := 0; ; attempt++ {
		var held sql.NullBool
		if err := s.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", s.lock).Scan(&held); err != nil || held.Bool {
			return s.explained(err)
		}
		holder, err := s.holder(ctx)
		if err != nil {
			return s.explained(err)
		}
		if holder != told {
			told = holder
			runner.Progress(s.run, executor.Event{State: executor.EventWaiting, Detail: "another run holds the database's lock: " + holder})
		}
		if time.Now().After(deadline) {
			return fault.New(fault.LockTimeout, "another run holds the database's lock: %s", holder).At(s.at).Then("trying again is safe")
		}
		if err := runner.Pause(ctx, attempt, time.Second); err != nil {
			return err
		}
		if err := runner.StillMine(ctx, s.run); err != nil {
			return err
		}
	}
}

// holder tells who has the lock and since when. Who minted the last epoch is in
// the ledger; of others the process list knows the login.
func (s *session) holder(ctx context.Context) (string, error) {
	var id sql.NullInt64
	if err := s.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", s.lock).Scan(&id); err != nil {
		return "", err
	}
	if !id.Valid {
		return "a session that just ended", nil
	}
	var name string
	var since time.Time
	err := s.QueryRowContext(ctx, "SELECT holder, since FROM shipsql_meta WHERE holder_id = ?", id.Int64).Scan(&name, &since)
	if err == nil {
		return fmt.Sprintf("%s (connection %d), since %s", name, id.Int64, since.UTC().Format(time.RFC3339)), nil
	}
	if broken(err) {
		return "", err
	}
	err = s.QueryRowContext(ctx, "SELECT USER FROM information_schema.PROCESSLIST WHERE ID = ?", id.Int64).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) { // hidden from logins that may not see other sessions
		name, err = "a session of another login", nil
	}
	return fmt.Sprintf("%s (connection %d)", name, id.Int64), err
}

// held makes sure that we still have the lock: a routine may have given it up.
func (s *session) held(ctx context.Context) error {
	var held bool
	if err := s.ask(ctx, &held, "SELECT IS_USED_LOCK(?) <=> CONNECTION_ID()", s.lock); err != nil {
		return s.explained(err)
	}
	return s.mustHold(held)
}

func (s *session) mustHold(held bool) error {
	if !held {
		return fault.New(fault.Conflict, "the session lost the database's lock").At(s.at).Then("trying again is safe")
	}
	return nil
}

// beside lends a second connection, which keeps the ledger. What it sees and writes
// is not changed by the settings, temporary tables and transactions of a file.
func (s *session) beside(ctx context.Context) (*connection, error) {
	if s.aside != nil {
		return s.aside, nil
	}
	c, err := s.target.neutral(ctx, program(s.run.Task)+"/beside", scripts)
	if err != nil {
		return nil, &runner.Lost{Err: err}
	}
	s.aside = c
	return c, nil
}

// neutral opens a connection with settings that no server and login changes.
func (t *target) neutral(ctx context.Context, program string, options ...func(*driverpkg.Config)) (*connection, error) {
	c, err := t.connect(ctx, program, options...)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, neutralSettings); err != nil {
		c.close()
		return nil, c.unwrapped(err)
	}
	return c, nil
}

func program(task string) string {
	if task == "" {
		task = "cli"
	}
	return "shipsql/" + task
}

// quoted is a name in backquotes.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
