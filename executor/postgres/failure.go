package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// failure describes an error of a file's own statement, or of its COMMIT when
// the statement is zero.
func (f file) failure(ctx context.Context, s statement, err error) error {
	failed := &executor.Failure{
		Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Code: fault.SQLError, Err: err,
	}
	var pg *pgconn.PgError
	switch answered := errors.As(err, &pg); {
	case ctx.Err() != nil:
		failed.Err = runner.Interrupted(ctx)
		failed.Code, failed.Message = fault.Unreachable, "the run was interrupted"
		if runner.IsCancelled(ctx) {
			failed.Message = "the statement was cancelled"
		}
		if !answered && f.IsClosed() {
			failed.Message += ", and the server did not answer"
			failed.Hint = "the next run waits until the server is through with it, and finds out what became of it"
		}
	case answered && disconnected(pg):
		failed.Code, failed.SQLState, failed.Message = fault.Unreachable, pg.Code, "the server ended the connection while the statement ran: "+pg.Message
		failed.Hint = goneHint
	case !answered:
		failed.Code, failed.Message = fault.Unreachable, "the connection broke while the statement ran: "+err.Error()
		failed.Hint = goneHint
	default:
		f.answer(failed, s, pg)
	}
	return failed
}

const goneHint = "trying again is safe: the ledger has what was committed, and the rest is gone"

// answer fills in what the server said.
func (f file) answer(failed *executor.Failure, s statement, pg *pgconn.PgError) {
	failed.SQLState, failed.Message, failed.Detail = pg.Code, pg.Message, pg.Detail
	failed.Hint = joined(pg.Hint, f.remedy(pg))
	if contended(pg) {
		failed.Code = fault.LockTimeout
	}
	if pg.Position > 0 && s.n > 0 {
		failed.Line, _ = script.Position(f.Text(), s.Start+byteOffset(s.Text, int(pg.Position)))
	}
	if companion, ok := errors.AsType[*fault.Error](failed.Err); ok {
		failed.Message, failed.Hint = companion.Message+": "+pg.Message, joined(pg.Hint, companion.Next)
	}
}

func joined(hints ...string) string {
	var all []string
	for _, h := range hints {
		if h != "" {
			all = append(all, strings.TrimSuffix(h, "."))
		}
	}
	return strings.Join(all, "; ")
}

// remedy says what to do about an error of a file's statement, "" when the
// server's words say it all.
func (f file) remedy(pg *pgconn.PgError) string {
	switch pg.Code {
	case "42501":
		return f.grantHint()
	case "25001":
		if f.separate {
			return ""
		}
		return "begin the file with -- shipsql: transaction=off, or give the statement a file of its own"
	case "42P07", "42701", "42710", "42723", "42P06":
		if f.Undoing() {
			return ""
		}
		return fmt.Sprintf("if this was applied here before the ledger knew of it, record that with shipsql migrate baseline --to %s", f.Migration.Version)
	}
	return remedies[pg.Code]
}

func (f file) grantHint() string {
	if f.run.Role != "" {
		return fmt.Sprintf("the files run as the role %s: GRANT it the privilege, or make it the owner of what the file changes", pgx.Identifier{f.run.Role}.Sanitize())
	}
	return fmt.Sprintf("GRANT the login %s the privilege, make it the owner of what the file changes, or have the files run as the owner (set_role)",
		pgx.Identifier{f.Config().User}.Sanitize())
}

// remedies by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
var remedies = map[string]string{
	"53100": "the server's disk is full: free space, then run it again; what was not committed is gone",
	"53200": "the server ran out of memory for it: raise max_locks_per_transaction when it speaks of locks, else split the file or run it when less goes on",
	"53300": "the server has no connection left: free some, or raise max_connections, then run it again",
	"53400": "a limit of the server's configuration was hit: raise it for this role, then run it again",
	"54000": "a limit of PostgreSQL was hit: split the statement",
	"55P04": "a value that ALTER TYPE … ADD VALUE brings can't be used before it is committed: give what uses it a file of its own",
	"25006": "something makes the transaction read only: take SET TRANSACTION READ ONLY out of the file, turn default_transaction_read_only off for the role or database, or give the URL of the primary",
	"57014": "somebody cancelled the statement, or it ran longer than statement_timeout allows; nothing of its transaction is left, so it may run again",
	"25P02": "a statement before it failed",
	"0A000": "",
}

// byteOffset turns the server's position, 1-based in characters, into bytes.
func byteOffset(text string, position int) int {
	offset := 0
	for range position - 1 {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

// broken tells a broken connection from other errors. nil stays nil.
func broken(conn *pgx.Conn, err error) error {
	var pg *pgconn.PgError
	answered := errors.As(err, &pg)
	if err != nil && (answered && disconnected(pg) || !answered && conn.IsClosed()) {
		return &runner.Lost{Err: unreachable(err, where(conn))}
	}
	return err
}

// explained tells what an error of our own queries to the ledger means. nil
// stays nil.
func explained(conn *pgx.Conn, err error) error {
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg), disconnected(pg):
		return broken(conn, err)
	case pg.Code == "42501":
		return missingGrant(conn, pg)
	}
	return ledgerTrouble(conn, pg, err)
}

// ledgerTrouble gives the states a name in which the ledger can't be read or
// written; other errors stay as they are.
func ledgerTrouble(conn *pgx.Conn, pg *pgconn.PgError, err error) error {
	switch {
	case contended(pg):
		return fault.New(fault.LockTimeout, "another session has a lock on the ledger").At(where(conn)).Because(err).Then("trying again is safe")
	case pg.Code == "25006":
		return fault.New(fault.Conflict, "the ledger can't be written: the database takes no changes now").At(where(conn)).Because(err).
			Then("%s", remedies[pg.Code])
	case strings.HasPrefix(pg.Code, "53"):
		return fault.New(fault.Conflict, "the ledger can't be written: %s", pg.Message).At(where(conn)).Because(err).
			Then("%s", remedies[pg.Code])
	case pg.Code == "42P01", pg.Code == "42703", pg.Code == "42P07", pg.Code == "42P10", pg.Code == "3F000", pg.Code == "21000", strings.HasPrefix(pg.Code, "23"):
		return ledger.Edited("%s", pg.Message)
	}
	return err
}

func missingGrant(conn *pgx.Conn, pg *pgconn.PgError) error {
	login, database := pgx.Identifier{conn.Config().User}.Sanitize(), pgx.Identifier{conn.Config().Database}.Sanitize()
	return fault.New(fault.Denied, "the login %s lacks a privilege that the ledger needs", conn.Config().User).At(where(conn)).Because(pg).
		Then("run GRANT CREATE ON DATABASE %s TO %s, or, where schema shipsql exists, make the login its owner", database, login)
}

func where(conn *pgx.Conn) string { return conn.Config().Host + "/" + conn.Config().Database }

// disconnected says that the server ended the session.
func disconnected(pg *pgconn.PgError) bool {
	return pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC"
}
