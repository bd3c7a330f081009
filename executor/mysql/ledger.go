package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// ledgerFormat is the version of the tables below. An older ShipSQL refuses a
// newer format.
const ledgerFormat = 1

// createLedger makes the tables of execution.md §6.0, one at a time: each may be
// there from an attempt that was cut. note is an addition, and so is what meta
// says of the run that has the lock. Bytes keep what was observed as it was,
// whatever a file does to the connection's character set.
var createLedger = []string{
	`CREATE TABLE IF NOT EXISTS shipsql_migrations (history VARCHAR(100), kind VARCHAR(16), version VARCHAR(400), name TEXT NOT NULL, checksum VARCHAR(64) NOT NULL,
		state VARCHAR(16) NOT NULL, ` + "`release`" + ` TEXT NOT NULL, actor TEXT NOT NULL, started_at DATETIME(6) NOT NULL, finished_at DATETIME(6),
		tool_version TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (history, kind, version))` + tableOptions,
	`CREATE TABLE IF NOT EXISTS shipsql_steps (history VARCHAR(100), kind VARCHAR(16), version VARCHAR(400), n INT, stmt_hash VARCHAR(64) NOT NULL,
		state VARCHAR(16) NOT NULL, pre LONGBLOB, predicted LONGBLOB, post LONGBLOB, PRIMARY KEY (history, kind, version, n))` + tableOptions,
	`CREATE TABLE IF NOT EXISTS shipsql_meta (one_row TINYINT PRIMARY KEY, format INT NOT NULL, epoch BIGINT NOT NULL, holder TEXT NOT NULL, holder_id BIGINT NOT NULL,
		since DATETIME(6) NOT NULL)` + tableOptions,
	`INSERT IGNORE INTO shipsql_meta VALUES (1, 1, 0, '', 0, UTC_TIMESTAMP(6))`,
}

const tableOptions = ` ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='ShipSQL''s record of what was applied here. Don''t write to it.'`

// mint makes the ledger where it is missing and raises the epoch: from here on
// no earlier run can commit.
func (s *session) mint(ctx context.Context) error {
	exists, err := s.connection.hasLedger(ctx)
	if err != nil {
		return s.explained(err)
	}
	for _, statement := range createLedger {
		if exists {
			break
		}
		if _, err := s.ExecContext(ctx, statement); err != nil {
			return s.explained(err)
		}
	}
	result, err := s.ExecContext(ctx, `UPDATE shipsql_meta SET epoch = LAST_INSERT_ID(epoch + 1), holder = CONCAT(?, '/', epoch), holder_id = CONNECTION_ID(),
		since = UTC_TIMESTAMP(6)`, program(s.run.Task))
	if err == nil {
		s.epoch, err = result.LastInsertId()
	}
	return s.explained(err)
}

// hasLedger says whether there is a ledger, and refuses a newer one and one that
// lacks a part.
func (c *connection) hasLedger(ctx context.Context) (bool, error) {
	var tables string
	err := c.QueryRowContext(ctx, `SELECT COALESCE(GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME), '') FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('shipsql_meta', 'shipsql_migrations', 'shipsql_steps')`).Scan(&tables)
	if err != nil || tables == "" {
		return false, err
	}
	if tables != "shipsql_meta,shipsql_migrations,shipsql_steps" {
		return false, c.incomplete(ctx, "there is only "+tables)
	}
	var format int
	err = c.QueryRowContext(ctx, "SELECT format FROM shipsql_meta").Scan(&format)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, c.incomplete(ctx, "shipsql_meta is empty")
	case err == nil && format > ledgerFormat:
		return false, fault.New(fault.Unsupported, "the ledger has format %d and this ShipSQL knows %d", format, ledgerFormat).
			At(c.at).Then("use the newer ShipSQL that wrote it")
	}
	return err == nil, err
}

// incomplete tells a ledger whose making was cut, which is empty, from one that
// lost a part.
func (c *connection) incomplete(ctx context.Context, how string) error {
	for _, table := range []string{"shipsql_migrations", "shipsql_steps"} {
		var some bool
		err := c.QueryRowContext(ctx, "SELECT EXISTS (SELECT * FROM "+table+")").Scan(&some)
		switch {
		case number(err) == errNoSuchTable:
		case err != nil:
			return err
		case some:
			return fault.New(fault.Conflict, "the ledger is incomplete: %s", how).At(c.at).
				Then("restore the tables shipsql_migrations, shipsql_steps and shipsql_meta together, from one backup")
		}
	}
	return nil
}

// readLedger reads a history; a database without ledger has an empty one.
func (c *connection) readLedger(ctx context.Context, history string) (ledger.Ledger, error) {
	exists, err := c.hasLedger(ctx)
	if err != nil || !exists {
		return ledger.Ledger{}, err
	}
	// So that no row goes between two queries.
	if _, err := c.ExecContext(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return nil, err
	}
	l := ledger.Ledger{}
	err = c.readRows(ctx, history, l)
	if err == nil {
		err = c.readSteps(ctx, history, l)
	}
	_, end := c.ExecContext(ctx, "COMMIT")
	return l, errors.Join(err, end)
}

func (c *connection) readRows(ctx context.Context, history string, l ledger.Ledger) error {
	return c.each(ctx, func(scan func(...any) error) error {
		var r ledger.Row
		var finished sql.NullTime
		err := scan(&r.Kind, &r.Version, &r.Name, &r.Checksum, &r.State, &r.Release, &r.Actor, &r.Note, &r.StartedAt, &finished)
		if finished.Valid {
			r.FinishedAt = &finished.Time
		}
		l.Put(r)
		return err
	}, "SELECT kind, version, name, checksum, state, `release`, actor, note, started_at, finished_at FROM shipsql_migrations WHERE history = ?", ledger.History(history))
}

// readSteps leaves out what nobody asks for any more: the steps that are done of
// what is applied.
func (c *connection) readSteps(ctx context.Context, history string, l ledger.Ledger) error {
	return c.each(ctx, func(scan func(...any) error) error {
		var kind, version string
		var step ledger.Step
		if err := scan(&kind, &version, &step.N, &step.Hash, &step.State, &step.Pre); err != nil {
			return err
		}
		return l.PutStep(kind, version, step)
	}, `SELECT s.kind, s.version, n, stmt_hash, s.state, COALESCE(pre, '') FROM shipsql_steps s LEFT JOIN shipsql_migrations m USING (history, kind, version)
		WHERE history = ? AND (m.state IS NULL OR m.state <> 'applied' OR s.state <> 'done')`, ledger.History(history))
}

// each calls f for every row of a query.
func (c *connection) each(ctx context.Context, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// key names a migration in the ledger.
type key struct{ history, kind, version string }

func (s *session) keyOf(m executor.Migration) key {
	return key{ledger.History(s.run.History), ledger.Kind(m), m.Version}
}

// and puts the key before further arguments.
func (k key) and(args ...any) []any { return append([]any{k.history, k.kind, k.version}, args...) }

const ofKey = " WHERE history = ? AND kind = ? AND version = ?"

// transaction runs f in a transaction behind the fence: the meta row is locked,
// its epoch must be ours, and so must the lock. An error rolls back.
func (s *session) transaction(ctx context.Context, f func() error) error {
	if err := s.enter(ctx); err != nil {
		s.rollback(ctx)
		return err
	}
	if err := f(); err != nil {
		s.rollback(ctx)
		return s.explained(err)
	}
	return s.commit(ctx)
}

func (s *session) enter(ctx context.Context) error {
	if err := s.held(ctx); err != nil {
		return err
	}
	if _, err := s.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return s.explained(err)
	}
	p, err := s.own(ctx, "SELECT epoch FROM shipsql_meta FOR UPDATE")
	if err != nil {
		return s.explained(err)
	}
	var epoch int64
	switch err := p.QueryRowContext(ctx).Scan(&epoch); {
	case err != nil:
		return s.explained(err)
	case epoch != s.epoch:
		return fault.New(fault.Conflict, "another run took the database over").At(s.at).Then("look at its result; nothing more is done here")
	}
	return nil
}

// commit ends the transaction. When the connection breaks, only the ledger knows
// the outcome.
func (s *session) commit(ctx context.Context) error {
	_, err := s.ExecContext(ctx, "COMMIT")
	return s.explained(err)
}

// rollback ends a failed transaction. It is never cancelled, and where it fails
// the connection is cut: the next START TRANSACTION would commit what was to be
// undone.
func (s *session) rollback(ctx context.Context) {
	if _, err := s.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		s.cut()
	}
}

// record commits our own writes; others may be in the way for a while.
func (s *session) record(ctx context.Context, write func() error) error {
	ctx = context.WithoutCancel(ctx) // to say what happened isn't cancelled
	deadline := time.Now().Add(s.run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		err := s.transaction(ctx, write)
		if !contended(err) && number(err) != errInterrupted || time.Now().After(deadline) || runner.Pause(ctx, n, time.Second) != nil {
			return err
		}
	}
}

// begun makes the migration's row, if it has none. One that no longer counts
// goes. An undo marks the row that it takes back.
func (f *file) begun(ctx context.Context, state string) error {
	if f.resumed {
		return nil
	}
	if f.undo {
		return f.setState(ctx, state)
	}
	if f.Replaces != nil {
		if err := f.forgetReplaced(ctx); err != nil {
			return err
		}
	}
	return f.insertRow(ctx, f.Migration, rowOf{state: state, release: f.run.Release, actor: f.run.Actor, tool: f.run.ToolVersion, note: f.Note, key: f.key()})
}

// rowOf is what a new row says beside its migration.
type rowOf struct {
	key                               key
	state, release, actor, tool, note string
}

func (s *session) insertRow(ctx context.Context, m executor.Migration, r rowOf) error {
	_, err := s.do(ctx, "INSERT INTO shipsql_migrations (history, kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE state = state",
		r.key.and(m.Name, m.Checksum, r.state, r.release, r.actor, r.tool, r.note)...)
	return err
}

// forgetReplaced removes a row that no longer counts, with its steps.
func (f *file) forgetReplaced(ctx context.Context) error {
	k := f.key()
	k.version = f.Replaces.Version
	if err := f.forgetSteps(ctx, k); err != nil {
		return err
	}
	_, err := f.do(ctx, "DELETE FROM shipsql_migrations"+ofKey, k.and()...)
	return err
}

// forgetSteps removes a migration's steps, those of its undo too.
func (f *file) forgetSteps(ctx context.Context, k key) error {
	_, err := f.do(ctx, "DELETE FROM shipsql_steps WHERE history = ? AND version = ? AND kind IN (?, ?)", k.history, k.version, k.kind, ledger.UndoStep)
	return err
}

// key is the ledger's spelling of the migration.
func (f *file) key() key {
	k := f.keyOf(f.Migration)
	if f.Row != nil {
		k.version = f.Row.Version
	}
	return k
}

// finish completes the migration's row, and what the companion keeps beside it.
func (f *file) finish(ctx context.Context) error {
	if f.undo {
		if err := f.forgetSteps(ctx, f.key()); err != nil {
			return err
		}
		if err := f.setState(ctx, ledger.Undone); err != nil {
			return err
		}
		return f.companion(ctx)
	}
	if err := f.noRow(ctx); err != nil {
		return err
	}
	_, err := f.do(ctx, "UPDATE shipsql_migrations SET state = 'applied', name = ?, checksum = ?, finished_at = UTC_TIMESTAMP(6)"+ofKey,
		append([]any{f.Migration.Name, f.Migration.Checksum}, f.key().and()...)...)
	if err != nil {
		return err
	}
	return f.companion(ctx)
}

// noRow makes the row of a file of which nothing was recorded yet.
func (f *file) noRow(ctx context.Context) error {
	if f.resumed {
		return nil
	}
	return f.begun(ctx, ledger.Partial)
}

func (f *file) setState(ctx context.Context, state string) error {
	_, err := f.do(ctx, "UPDATE shipsql_migrations SET state = ?"+ofKey, append([]any{state}, f.key().and()...)...)
	return err
}

// stepsAtOnce is how many rows of steps go into one statement.
const stepsAtOnce = 200

// putSteps writes the rows of statements that are about to run, and removes what
// an earlier run only intended from there on.
func (f *file) putSteps(ctx context.Context, state string, statements []statement) error {
	k := f.stepKey()
	if f.resumed {
		_, err := f.do(ctx, "DELETE FROM shipsql_steps"+ofKey+" AND n >= ? AND state = 'intent'", k.and(statements[0].n)...)
		if err != nil {
			return err
		}
	}
	for len(statements) > 0 {
		n := min(len(statements), stepsAtOnce)
		var args []any
		for _, s := range statements[:n] {
			args = append(args, k.and(s.n, s.hash(), state, s.before.bytes())...)
		}
		text := "INSERT INTO shipsql_steps (history, kind, version, n, stmt_hash, state, pre) VALUES " +
			strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", n), ", ") +
			" ON DUPLICATE KEY UPDATE stmt_hash = VALUES(stmt_hash), state = VALUES(state), pre = VALUES(pre), predicted = NULL, post = NULL"
		if _, err := f.do(ctx, text, args...); err != nil {
			return err
		}
		statements = statements[n:]
	}
	return nil
}

// moveSteps changes the state of the steps of statements.
func (f *file) moveSteps(ctx context.Context, state string, statements []statement) error {
	first, last := statements[0].n, statements[len(statements)-1].n
	moved, err := f.do(ctx, "UPDATE shipsql_steps SET state = ?"+ofKey+" AND n BETWEEN ? AND ?",
		append([]any{state}, f.stepKey().and(first, last)...)...)
	if err == nil && moved != int64(len(statements)) {
		return fault.New(fault.Conflict, "the ledger's steps of version %s were changed by another", f.Migration.Version).At(f.at).Then("look who writes to shipsql_steps")
	}
	return err
}

// stepDone completes the row of one step.
func (f *file) stepDone(ctx context.Context, s statement, post observation) error {
	_, err := f.do(ctx, "UPDATE shipsql_steps SET state = 'done', post = ?"+ofKey+" AND n = ?",
		append([]any{post.bytes()}, f.stepKey().and(s.n)...)...)
	return err
}

// forget removes the rows of steps that left no trace, and with the only ones
// the migration's row, which is then pending again, or what an undo made of it.
func (f *file) forget(ctx context.Context, statements []statement) error {
	k := f.stepKey()
	first, last := statements[0].n, statements[len(statements)-1].n
	if _, err := f.do(ctx, "DELETE FROM shipsql_steps"+ofKey+" AND n BETWEEN ? AND ?", k.and(first, last)...); err != nil {
		return err
	}
	const alone = " AND NOT EXISTS (SELECT * FROM shipsql_steps s WHERE s.history = ? AND s.kind = ? AND s.version = ?)"
	var gone int64
	var err error
	if f.undo {
		gone, err = f.do(ctx, "UPDATE shipsql_migrations SET state = ?"+ofKey+alone, append([]any{f.wasState()}, append(f.key().and(), k.and()...)...)...)
	} else {
		gone, err = f.do(ctx, "DELETE FROM shipsql_migrations"+ofKey+" AND state = 'partial'"+alone, append(f.key().and(), k.and()...)...)
	}
	f.resumed = gone == 0
	return err
}

// wasState is the state of what an undo takes back.
func (f *file) wasState() string {
	if f.Row.State == ledger.Baseline {
		return ledger.Baseline
	}
	return ledger.Applied
}

// stepKey is under which the steps of the text that runs are kept.
func (f *file) stepKey() key {
	k := f.key()
	if f.undo {
		k.kind = ledger.UndoStep
	}
	return k
}
