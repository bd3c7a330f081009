package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

const connectTimeout = 10 * time.Second

// connection is one session on the server. database/sql gives it its types and
// nothing else: there is no pool, and no statement is ever sent a second time
// behind our back.
type connection struct {
	*sql.Conn

	db       *sql.DB
	prepared map[string]prepared // by their text
	wire     atomic.Pointer[net.Conn]
	at       string // host/database, for messages
	login    string
	database string
}

// prepared is a statement of ours that stays prepared until the connection is
// closed, which closes it too.
type prepared struct{ *sql.Stmt }

// prepare prepares a statement of ours, once.
func (c *connection) prepare(ctx context.Context, text string) (prepared, error) {
	if p, known := c.prepared[text]; known {
		return p, nil
	}
	stmt, err := c.PrepareContext(ctx, text)
	if err != nil {
		return prepared{}, err
	}
	p := prepared{stmt}
	c.prepared[text] = p
	return p, nil
}

// ask runs one of our own queries for one value.
func (c *connection) ask(ctx context.Context, value any, text string, args ...any) error {
	return c.askRow(ctx, []any{value}, text, args...)
}

// askRow runs one of our own queries for one row.
func (c *connection) askRow(ctx context.Context, into []any, text string, args ...any) error {
	p, err := c.prepare(ctx, text)
	if err != nil {
		return err
	}
	return p.QueryRowContext(ctx, args...).Scan(into...)
}

// do runs one of our own statements and returns how many rows it changed.
func (c *connection) do(ctx context.Context, text string, args ...any) (int64, error) {
	p, err := c.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := p.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// connect opens one connection, whose program has this name. When the login is
// refused the URL is read again: a password that was rotated a moment ago needs no
// other try.
func (t *target) connect(ctx context.Context, program string, options ...func(*driverpkg.Config)) (*connection, error) {
	url, err := t.url.Read()
	if err != nil {
		return nil, err
	}
	options = append(options, func(c *driverpkg.Config) { c.ConnectionAttributes = "program_name:" + attribute(program) })
	c, err := t.dial(ctx, url, options)
	if fault.CodeOf(err) != fault.Denied {
		return c, err
	}
	if now, unreadable := t.url.Read(); unreadable == nil && now != url {
		return t.dial(ctx, now, options)
	}
	return nil, err
}

// scripts has a connection take several statements as one text, with their values
// in it. It is for our own statements alone.
func scripts(config *driverpkg.Config) {
	config.MultiStatements, config.InterpolateParams = true, true
}

func (t *target) dial(ctx context.Context, url string, options []func(*driverpkg.Config)) (*connection, error) {
	config, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	for _, option := range options {
		option(config)
	}
	c, err := open(ctx, config)
	if err != nil {
		return nil, refusedConnection(err, config, url, t.url)
	}
	return c, nil
}

// open makes the one connection of a sql.DB that can't make another.
func open(ctx context.Context, config *driverpkg.Config) (*connection, error) {
	c := &connection{prepared: map[string]prepared{}, at: where(config), login: config.User, database: config.DBName}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		wire, err := dial(ctx, network, address)
		if err == nil {
			c.wire.Store(&wire)
		}
		return wire, err
	}
	connector, err := driverpkg.NewConnector(config)
	if err != nil {
		return nil, err
	}
	c.db = sql.OpenDB(&single{Connector: connector})
	c.db.SetMaxOpenConns(1)
	if c.Conn, err = c.db.Conn(ctx); err != nil {
		_ = c.db.Close()
		return nil, err
	}
	return c, nil
}

// cut breaks the connection, also while a statement waits for its answer.
func (c *connection) cut() {
	if wire := c.wire.Load(); wire != nil {
		_ = (*wire).Close()
	}
}

// single is a connector that connects once. Statements on a sql.Conn are not
// retried by database/sql; with this, neither could they be.
type single struct {
	driver.Connector

	used  atomic.Bool
	first error
}

var errSecond = errors.New("the connection is gone, and there is no other")

// Connect implements driver.Connector.
func (s *single) Connect(ctx context.Context) (driver.Conn, error) {
	if s.used.Swap(true) {
		return nil, errors.Join(s.first, errSecond)
	}
	conn, err := s.Connector.Connect(ctx)
	s.first = err
	return conn, err
}

// close ends the session; the server frees its locks.
func (c *connection) close() {
	_ = c.Conn.Close() // there is nothing left to lose
	_ = c.db.Close()
}

func where(config *driverpkg.Config) string { return config.Addr + "/" + config.DBName }

// parseURL reads mysql://user:password@host:3306/database?tls=true&socket=/path;
// mariadb:// is the same.
func parseURL(text string) (*driverpkg.Config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != MySQL && u.Scheme != MariaDB {
		return nil, invalidURL("can't read the database's URL")
	}
	config := driverpkg.NewConfig()
	config.User, config.DBName = u.User.Username(), strings.TrimPrefix(u.Path, "/")
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(u.Hostname(), orDefault(u.Port(), "3306"))
	if err := parameters(config, u); err != nil {
		return nil, err
	}
	switch {
	case config.DBName == "" || strings.Contains(config.DBName, "/"):
		return nil, invalidURL("the URL names no database")
	case u.Hostname() == "" && config.Net == "tcp":
		return nil, invalidURL("the URL names no host")
	}
	configure(config)
	return config, nil
}

func invalidURL(why string) *fault.Error {
	return fault.New(fault.Invalid, "%s", why).Then("write it as mysql://user:password@host:3306/database?tls=true, or with ?socket=/path")
}

// parameters reads what stands behind the URL's question mark.
func parameters(config *driverpkg.Config, u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return invalidURL("can't read the URL's parameters")
	}
	for key := range query {
		switch key {
		case "socket":
			config.Net, config.Addr = "unix", query.Get(key)
		case "tls", "tls_ca":
		default:
			return fault.New(fault.Invalid, "the URL's parameter %q is unknown", key).Then("the parameters are tls, tls_ca and socket")
		}
	}
	return secure(config, u.Hostname(), query.Get("tls"), query.Get("tls_ca"))
}

// secure sets TLS: true and verify ask the server to prove its name, to the
// authority in the file ca or else to the system's.
func secure(config *driverpkg.Config, host, mode, ca string) error {
	switch mode {
	case "", "false":
		return nil
	case "preferred", "skip-verify":
		config.TLSConfig = mode
		return nil
	case "true", "verify":
	default:
		return fault.New(fault.Invalid, "tls=%s is unknown", mode).Then("write tls=true, tls=skip-verify, tls=preferred or tls=false")
	}
	config.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if ca == "" {
		return nil
	}
	pem, err := os.ReadFile(ca) //nolint:gosec // the operator names it
	if err != nil {
		return fault.New(fault.Invalid, "can't read the authority's certificate").At(ca).Because(err)
	}
	config.TLS.RootCAs = x509.NewCertPool()
	if !config.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return fault.New(fault.Invalid, "there is no certificate in the file").At(ca)
	}
	return nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func configure(config *driverpkg.Config) {
	config.Timeout, config.ParseTime, config.Loc = connectTimeout, true, time.UTC
	config.MaxAllowedPacket = 0            // the server's
	config.CheckConnLiveness = false       // it is for pools
	config.Logger = &driverpkg.NopLogger{} // errors are returned
	config.InterpolateParams = false       // values go beside the text
	config.MultiStatements = false         // one statement is one statement, whatever our splitter thinks
	config.AllowAllFiles = false           // LOAD DATA LOCAL reads nothing of ours
	config.AllowFallbackToPlaintext = config.TLSConfig == "preferred"
	// A silent peer is noticed in half a minute, also while a long statement runs.
	dialer := net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4},
	}
	config.DialFunc = dialer.DialContext
}

// attribute makes a text fit for a connection attribute, whose list has commas
// and colons.
func attribute(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ',' || r == ':' {
			return '_'
		}
		return r
	}, text)
}

// refusedConnection says in one sentence why there is no connection.
func refusedConnection(err error, config *driverpkg.Config, url string, from secret.Source) error {
	cause, at := redacted(err, url, config.Passwd), where(config)
	switch number(err) {
	case 1044, 1045, 1130, 1698, 1862, 3118: // access denied in its forms, password expired, account locked
		return fault.New(fault.Denied, "the database refuses the login").At(at).Because(cause).
			Then("check user, password and privileges; the URL is read anew for each try, from %s", from)
	case 1049:
		return fault.New(fault.NotFound, "the database does not exist").At(at).Because(cause)
	}
	return unreachable(cause, at)
}

// unreachable gives an error of the connection its code.
func unreachable(err error, at string) error {
	return fault.New(fault.Unreachable, "the database can't be reached").At(at).Because(err).Then("trying again is safe")
}

// redacted keeps an error's text and drops the rest, which may show secrets.
func redacted(err error, secrets ...string) error {
	return errors.New(secret.Redact(err.Error(), secrets...))
}
