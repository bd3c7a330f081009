package mysql

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// Numbers of errors that mean something to us.
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
// https://mariadb.com/kb/en/mariadb-error-code-reference/
const (
	errNoSuchColumn    = 1054
	errNoSuchTable     = 1146
	errLockWait        = 1205
	errDeadlock        = 1213
	errOnlyOfSessions  = 1238
	errInterrupted     = 1317
	errNoWait          = 3572
	errReadOnly        = 1290
	errAlgorithm       = 1845
	errAlgorithmReason = 1846
)

// number is the server's error number; 0 when it did not answer, or ended the
// session with its answer.
func number(err error) uint16 {
	e, answered := errors.AsType[*driverpkg.MySQLError](err)
	if !answered || disconnected(e) {
		return 0
	}
	return e.Number
}

// disconnected says that the server ended the session.
func disconnected(e *driverpkg.MySQLError) bool {
	switch e.Number {
	case 1053, // ER_SERVER_SHUTDOWN
		1077, 1078, 1079, 1080, // shutting down
		1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, // network; packets out of order or too large
		1927, // MariaDB: connection was killed
		4031: // ER_CLIENT_INTERACTION_TIMEOUT
		return true
	}
	return false
}

// broken says that the connection, not the statement, is at fault.
func broken(err error) bool {
	if e, answered := errors.AsType[*driverpkg.MySQLError](err); answered {
		return disconnected(e)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, driverpkg.ErrInvalidConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driverpkg.ErrPktSync) || errors.Is(err, driverpkg.ErrMalformPkt) || errors.Is(err, driverpkg.ErrBusyBuffer)
}

// denied says that the login lacks a privilege.
func denied(err error) bool {
	switch number(err) {
	case 1044, 1142, 1143, 1227, 1370:
		return true
	}
	return false
}

// contended says that others were in the way.
func contended(err error) bool {
	switch number(err) {
	case errLockWait, errDeadlock, errNoWait:
		return true
	}
	return false
}

// explained tells a broken connection and a missing privilege from other errors
// of our own statements. nil stays nil.
func (c *connection) explained(err error) error {
	switch {
	case fault.CodeOf(err) != fault.Internal: // it has a meaning already, or there is none
		return err
	case broken(err):
		return &runner.Lost{Err: unreachable(err, c.at)}
	case contended(err):
		return fault.New(fault.LockTimeout, "another session has a lock on the ledger").At(c.at).Because(err).Then("trying again is safe")
	}
	if denied(err) {
		return c.missingGrant(err)
	}
	switch number(err) {
	case errNoSuchColumn:
		return fault.New(fault.Conflict, "the ledger's tables aren't as ShipSQL made them").At(c.at).Because(err).
			Then("restore shipsql_migrations, shipsql_steps and shipsql_meta together, from one backup")
	case errReadOnly, 1836, 3100:
		return fault.New(fault.Conflict, "the server has become read only").At(c.at).Because(err).Then("give the URL of the primary; trying again is safe")
	case 1021, 1114:
		return fault.New(fault.Conflict, "the server has no disk space left").At(c.at).Because(err).Then("free some, or let its tablespace grow; trying again is safe")
	}
	return err
}

func (c *connection) missingGrant(err error) error {
	return fault.New(fault.Denied, "the login %s lacks a privilege that the ledger needs", c.login).At(c.at).Because(err).
		Then("run GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, REFERENCES ON %s.* TO the login", quoted(c.database))
}

// unwrapped is explained for those who can't open a new session.
func (c *connection) unwrapped(err error) error {
	err = c.explained(err)
	if lost, ok := errors.AsType[*runner.Lost](err); ok {
		return lost.Err
	}
	return err
}
