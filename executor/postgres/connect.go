package postgres

import (
	"context"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

const (
	connectTimeout = 10 * time.Second
	// idleInTransaction bounds how long the server keeps our locks when we are
	// frozen but still connected.
	idleInTransaction = time.Minute
	// cancelPatience is how long a cancelled statement may take to end before the
	// connection is given up.
	cancelPatience = 10 * time.Second
)

// orphanCheck makes the server notice within a second that we are gone, so that
// the statement of a killed run ends and frees its locks (version 14 and newer,
// where the platform can do it).
const orphanCheck = "client_connection_check_interval"

// settings are the start-up parameters, which RESET ALL goes back to.
func settings(l executor.Limits, task string) map[string]string {
	return map[string]string{
		"application_name":                    applicationName(task, 0),
		"lock_timeout":                        milliseconds(l.LockTimeout),
		"statement_timeout":                   milliseconds(l.StatementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleInTransaction),
		"client_encoding":                     "UTF8",
		"standard_conforming_strings":         "on", // what our splitter and parser assume
		orphanCheck:                           "1000",
	}
}

// milliseconds rounds up: to the server, 0 is no limit.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt((d + time.Millisecond - 1).Milliseconds(), 10)
}

// connect opens one connection of its own: no pool, no prepared statements left
// behind. When the login is refused the URL is read again: a password that was
// rotated a moment ago needs no other try.
func (t *target) connect(ctx context.Context, params map[string]string) (*pgx.Conn, error) {
	url, err := t.url.Read()
	if err != nil {
		return nil, err
	}
	conn, err := t.login(ctx, url, params)
	if fault.CodeOf(err) != fault.Denied {
		return conn, err
	}
	if now, unreadable := t.url.Read(); unreadable == nil && now != url {
		return t.login(ctx, now, params)
	}
	return nil, err
}

func (t *target) login(ctx context.Context, url string, params map[string]string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the database's URL").Because(redacted(err, url)).
			Then("write it as postgres://user:password@host:5432/database")
	}
	maps.Copy(config.RuntimeParams, params)
	configure(config)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil && strings.Contains(err.Error(), orphanCheck) {
		delete(config.RuntimeParams, orphanCheck)
		conn, err = pgx.ConnectConfig(ctx, config)
	}
	if err != nil {
		return nil, refusedConnection(err, config, url, t.url)
	}
	return conn, nil
}

func configure(config *pgx.ConnConfig) {
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	// A silent peer is noticed in half a minute, also while a long statement runs.
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}}
	config.DialFunc = dialer.DialContext
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelPatience}
	}
}

// refusedConnection says in one sentence why there is no connection.
func refusedConnection(err error, config *pgx.ConnConfig, url string, from secret.Source) error {
	cause, where := redacted(err, url, config.Password), config.Host+"/"+config.Database
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return unreachable(cause, where)
	}
	switch {
	case strings.HasPrefix(pg.Code, "28"), pg.Code == "42501":
		return fault.New(fault.Denied, "the database refuses the login").At(where).Because(cause).
			Then("check user, password and CONNECT privilege; the URL is read anew for each try, from %s", from)
	case pg.Code == "3D000":
		return fault.New(fault.NotFound, "the database does not exist").At(where).Because(cause)
	case strings.Contains(pg.Message, "startup parameter"):
		return settingsRefused(where).Because(cause)
	case pg.Code == "53300":
		return fault.New(fault.Unreachable, "the database has no connection left for the login").At(where).Because(cause).
			Then("trying again is safe; if it stays so, raise max_connections or the CONNECTION LIMIT of role or database")
	case pg.Code == "57P03":
		return fault.New(fault.Unreachable, "the server is starting up, shutting down or recovering").At(where).Because(cause).Then("trying again is safe")
	case pg.Code == "55000":
		return fault.New(fault.Conflict, "the database takes no connections").At(where).Because(cause).
			Then("allow them: ALTER DATABASE … ALLOW_CONNECTIONS true")
	}
	return unreachable(cause, where)
}

// unreachable gives an error of the connection its code; nil stays nil.
func unreachable(err error, where string) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Unreachable, "the database can't be reached").At(where).Because(err).Then("trying again is safe")
}

// poolerRefused is the error of a pool whose server process changes from
// transaction to transaction, or from statement to statement.
func poolerRefused(where string) *fault.Error {
	return refusedPooler(where, "a connection pooler in transaction mode stands before the database, and the lock needs a session of its own")
}

// settingsRefused is the error of a pool that refuses or drops what we set when
// we connect, as PgBouncer does in every mode.
func settingsRefused(where string) *fault.Error {
	return refusedPooler(where, "a connection pooler stands before the database and lets no start-up parameters through, so nothing would bound how long a migration waits for locks")
}

func refusedPooler(where, why string) *fault.Error {
	return fault.New(fault.Unsupported, "%s", why).At(where).
		Then("give the URL of the database itself, or of a pool in session mode that lets start-up parameters through")
}

// redacted keeps an error's text and drops the rest, which may show secrets.
func redacted(err error, secrets ...string) error {
	return errors.New(secret.Redact(err.Error(), secrets...))
}

func closeQuietly(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // there is nothing left to lose
}
