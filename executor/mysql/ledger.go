package mysql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/shipsql/shipsql/executor/ledger"
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
	case err == nil && format < 1:
		return false, fault.New(fault.Conflict, "the ledger has format %d, which never was", format).At(c.at).
			Then("find out who edited shipsql_meta; the newest format is %d", ledgerFormat)
	}
	return err == nil, err
}

// notThere makes sure that a ledger isn't only hidden: the catalog does not show
// what the login has no right to.
func (c *connection) notThere(ctx context.Context) error {
	_, err := c.ExecContext(ctx, "SELECT 1 FROM shipsql_meta")
	if number(err) == errNoSuchTable {
		return nil
	}
	return err
}

// incomplete tells a ledger whose making was cut, which is empty, from one that
// lost a part.
func (c *connection) incomplete(ctx context.Context, how string) error {
	for _, table := range []string{"shipsql_migrations", "shipsql_steps"} {
		var some bool
		err := c.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&some)
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
	if err == nil && !exists {
		err = c.notThere(ctx)
	}
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
		err := scan(&r.Kind, &r.Version, &r.Name, &r.Checksum, &r.State, &r.Release, &r.Actor, &r.ToolVersion, &r.Note, &r.StartedAt, &finished)
		if finished.Valid {
			r.FinishedAt = &finished.Time
		}
		l.Put(r)
		return err
	}, "SELECT kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at, finished_at FROM shipsql_migrations WHERE history = ?", ledger.History(history))
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
