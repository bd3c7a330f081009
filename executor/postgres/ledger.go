package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

// ledgerFormat is the version of the tables below. An older ShipSQL refuses a
// newer format.
const ledgerFormat = 1

// createSchema is left out where somebody made the schema for a login that may
// not create one.
const createSchema = `
CREATE SCHEMA shipsql;
COMMENT ON SCHEMA shipsql IS 'ShipSQL''s record of what was applied here. Don''t write to it.';`

// createLedger makes the tables of execution.md §6.0. note is an addition: the
// reason of a skip, both checksums of an accepted edit, what a resolve said.
const createLedger = `
CREATE TABLE shipsql.meta (format int NOT NULL, epoch bigint NOT NULL);
CREATE UNIQUE INDEX meta_one_row ON shipsql.meta ((true));
CREATE TABLE shipsql.migrations (
	history text, kind text, version text, name text NOT NULL, checksum text NOT NULL, state text NOT NULL,
	release text NOT NULL, actor text NOT NULL, started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz,
	tool_version text NOT NULL, note text NOT NULL DEFAULT '',
	PRIMARY KEY (history, kind, version));
CREATE TABLE shipsql.steps (
	history text, kind text, version text, n int, stmt_hash text NOT NULL, state text NOT NULL, pre text, predicted text, post text,
	PRIMARY KEY (history, kind, version, n));
INSERT INTO shipsql.meta VALUES (1, 0)`

// mint makes the ledger where it is missing and raises the epoch: from here on
// no earlier run can commit.
func (s *session) mint(ctx context.Context) error {
	exists, err := checkFormat(ctx, s.Conn)
	if err != nil {
		return s.lost(err)
	}
	if !exists {
		if err := s.makeLedger(ctx); err != nil {
			return s.lost(err)
		}
	}
	err = s.QueryRow(ctx, "UPDATE shipsql.meta SET epoch = epoch + 1 RETURNING epoch").Scan(&s.epoch)
	s.fence = s.fenceSQL()
	return s.lost(err)
}

func (s *session) makeLedger(ctx context.Context) error {
	var schema bool
	if err := s.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = $1", ledgerSchema).Scan(&schema); err != nil {
		return err
	}
	statements := createLedger
	if !schema {
		statements = createSchema + createLedger
	}
	// The simple protocol runs all of it as one transaction.
	_, err := s.PgConn().Exec(ctx, statements).ReadAll()
	return err
}

// checkFormat says whether there is a ledger, and refuses a newer one and one that
// lacks a part.
func checkFormat(ctx context.Context, conn *pgx.Conn) (exists bool, err error) {
	var others bool
	err = conn.QueryRow(ctx, `SELECT to_regclass('shipsql.meta') IS NOT NULL,
		to_regclass('shipsql.migrations') IS NOT NULL OR to_regclass('shipsql.steps') IS NOT NULL`).Scan(&exists, &others)
	switch {
	case err == nil && !exists && others:
		return false, ledger.Edited("its table shipsql.meta is gone")
	case err != nil || !exists:
		return false, err
	}
	var rows, oldest, newest int
	err = conn.QueryRow(ctx, "SELECT count(*), coalesce(min(format), 0), coalesce(max(format), 0) FROM shipsql.meta").Scan(&rows, &oldest, &newest)
	switch {
	case err != nil:
		return false, err
	case newest > ledgerFormat:
		return false, fault.New(fault.Unsupported, "the ledger has format %d and this ShipSQL knows %d", newest, ledgerFormat).
			At(where(conn)).Then("use the newer ShipSQL that wrote it")
	case rows != 1:
		return false, badMeta(rows)
	case oldest < 1:
		return false, fault.New(fault.Conflict, "the ledger has format %d, which never was", oldest).At(where(conn)).
			Then("find out who edited shipsql.meta; the newest format is %d", ledgerFormat)
	}
	return true, nil
}

// badMeta is the error of a table shipsql.meta that hasn't its one row.
func badMeta(rows int) error {
	if rows == 0 {
		return fault.New(fault.Conflict, "the ledger's table shipsql.meta is empty").
			Then("restore the schema shipsql from a backup of the same moment as the database; if it came with a dump that has no rows, drop it")
	}
	return fault.New(fault.Conflict, "the ledger's table shipsql.meta has %d rows instead of one, so runs can't be kept apart", rows).
		Then("find out who edited it, and leave the row with the highest epoch")
}

// readLedger reads a history; a database without ledger has an empty one.
func readLedger(ctx context.Context, conn *pgx.Conn, history string) (ledger.Ledger, error) {
	exists, err := checkFormat(ctx, conn)
	if err != nil || !exists {
		return ledger.Ledger{}, err
	}
	return readHistory(ctx, conn, history)
}

func readHistory(ctx context.Context, conn *pgx.Conn, history string) (ledger.Ledger, error) {
	l := ledger.Ledger{}
	b := &pgx.Batch{}
	b.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") // so that no row goes between two queries
	queueRows(b, history, l)
	queueSteps(b, history, l)
	b.Queue("COMMIT")
	err := conn.SendBatch(ctx, b).Close()
	if err != nil && conn.PgConn().TxStatus() != 'I' {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK") // a broken connection says so at its next use
	}
	return l, err
}

func queueRows(b *pgx.Batch, history string, l ledger.Ledger) {
	var r ledger.Row
	fields := []any{&r.Kind, &r.Version, &r.Name, &r.Checksum, &r.State, &r.Release, &r.Actor, &r.Note, &r.StartedAt, &r.FinishedAt}
	b.Queue(`SELECT kind, version, name, checksum, state, release, actor, note, started_at, finished_at
		FROM shipsql.migrations WHERE history = $1`, ledger.History(history)).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, fields, func() error {
			l.Put(r)
			return nil
		})
		return err
	})
}

func queueSteps(b *pgx.Batch, history string, l ledger.Ledger) {
	var kind, version string
	var s ledger.Step
	b.Queue("SELECT kind, version, n, stmt_hash, state, coalesce(pre, '') FROM shipsql.steps WHERE history = $1", ledger.History(history)).
		Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&kind, &version, &s.N, &s.Hash, &s.State, &s.Pre}, func() error { return l.PutStep(kind, version, s) })
			return err
		})
}
