package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// defaults are the settings of our sessions that the URL does not give. They end
// whatever would hold the writer's turn for ever: a node that is stopped or cut
// off inside a transaction loses it after idle_in_transaction_session_timeout, a
// vanished one after tcp_user_timeout or the keep-alives, a dead one whose
// statement still runs after client_connection_check_interval (PostgreSQL 14).
// Others wait for the turn longer than that (lock_timeout = writerPatience).
// Statements are planned anew each time: our tables grow from nothing to tens of
// thousands of rows within seconds, and a plan that was kept from before reads
// them all, for as long as it takes autovacuum to look (a minute). Nor are they
// compiled (jit): that took up to a second for a look of a millisecond, whose cost
// PostgreSQL estimates high when it has fresh statistics.
var defaults = map[string]string{
	"application_name":                    "shipsql/store",
	"plan_cache_mode":                     "force_custom_plan",
	"jit":                                 "off",
	"lock_timeout":                        "30s",
	"statement_timeout":                   "60s",
	"idle_in_transaction_session_timeout": "15s",
	"client_connection_check_interval":    "5s",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
	"tcp_user_timeout":                    "20000",
}

// connectPatience is how long one host may take to let us in, unless the URL has
// a connect_timeout.
const connectPatience = 10 * time.Second

// config reads the URL as it is now.
func (p *postgresStore) config() (*pgx.ConnConfig, error) {
	text, err := p.url.Read()
	if err != nil {
		return nil, fmt.Errorf("the store's URL: %w", err)
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, wrongURL(text, err)
	}
	for name, value := range defaults {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectPatience
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	config.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		return &wire{Conn: conn}, nil
	}
	config.ValidateConnect = writable
	return config, nil
}

// wrongURL tells what is wrong with a URL, unless that could show the password.
func wrongURL(text string, err error) error {
	wrong := fault.New(fault.Invalid, "the store's URL is not one of PostgreSQL").
		Then("write postgres://user:password@host:5432/database")
	u, parseErr := url.Parse(text)
	if parseErr != nil {
		return wrong
	}
	password, _ := u.User.Password()
	_, reason, _ := strings.Cut(err.Error(), "`: ")
	return wrong.Because(errors.New(secret.Redact(reason, password)))
}

// writable refuses a server that can't be the store, so that of several hosts
// the primary is found, and sets how long this one may take to answer.
func writable(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, `SELECT pg_backend_pid(), current_setting('transaction_read_only'),
		(SELECT setting FROM pg_settings WHERE name = 'statement_timeout')`).ReadAll()
	if err != nil {
		return err
	}
	row := results[0].Rows[0]
	if string(row[0]) != strconv.FormatUint(uint64(conn.PID()), 10) {
		return fault.New(fault.Unsupported, "a connection pooler stands before the store's server, where sessions' locks do not hold").
			Then("give the server's own address")
	}
	if string(row[1]) != "off" {
		return fault.New(fault.Unsupported, "the store's server does not take writes: a standby, or default_transaction_read_only is on").
			Then("give the primary's address")
	}
	limit, err := strconv.Atoi(string(row[2]))
	if err != nil {
		return fmt.Errorf("read statement_timeout: %w", err)
	}
	wireOf(conn).bear(time.Duration(limit) * time.Millisecond * 5 / 4)
	return nil
}

// isLost says that an error is not the server's answer to a statement: it can't
// be reached, it ended the session, or it is starting or stopping.
func isLost(err error) bool {
	if _, unconnected := errors.AsType[*pgconn.ConnectError](err); unconnected { // also when it refuses the password, which is read anew each time
		return true
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "57P") || answer.Code == idleInTransaction
	}
	var network net.Error
	return errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || strings.Contains(err.Error(), "conn closed")
}
