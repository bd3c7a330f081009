package privateserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlServer is what servers of MariaDB and MySQL have in common.
type mysqlServer struct {
	product

	private *server  // nil for a given server
	given   *url.URL // nil for a private server
}

// product is in what they differ.
type product struct {
	name, scheme string
	files        []string // options of the data folder: installer and server must agree
	installer    func(files []string) (installer, error)
	first        []string          // run at each start, one statement each, before the first login
	settings     map[string]string // as in production
	relaxed      map[string]string // what leaves out the flushes to disk
}

// mysqlLogin may do everything on a private server.
const mysqlLogin = "shipsql"

// startMySQL starts a server of a product and returns when it answers.
func startMySQL(ctx context.Context, p product, o MariaDBOptions) (*mysqlServer, error) {
	install, err := p.installer(p.files)
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, p.name, !o.Relaxed, "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	m := &mysqlServer{product: p, private: s}
	s.command = func() *exec.Cmd { return exec.Command(install.server, m.arguments(o)...) }
	s.ping = func(ctx context.Context) error { return m.exec(ctx, "SELECT 1") }
	if err := m.boot(ctx, install); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return m, nil
}

func (m *mysqlServer) boot(ctx context.Context, install installer) error {
	s := m.private
	if err := initialise(ctx, install, s.path("data"), s.account); err != nil {
		return err
	}
	if err := s.write("init.sql", []byte(m.firstStatements())); err != nil {
		return err
	}
	return s.start(ctx)
}

// firstStatements run at each start, before the first login: nobody gets in
// without the password, at no moment.
func (m *mysqlServer) firstStatements() string {
	return "SET sql_log_bin = 0;\n" + strings.Join(m.first, ";\n") + ";\n" + fmt.Sprintf(
		"CREATE USER IF NOT EXISTS %[1]s@'%%' IDENTIFIED BY '%[2]s';\n"+
			"GRANT ALL ON *.* TO %[1]s@'%%' WITH GRANT OPTION;\n", mysqlLogin, m.private.password)
}

func (m *mysqlServer) arguments(o MariaDBOptions) []string {
	s := m.private
	settings := map[string]string{
		"datadir": s.path("data"), "socket": s.path("sock"), "pid-file": s.path("server.pid"), "init-file": s.path("init.sql"),
		// A server that starts removes the temporary tables it finds, others' too.
		"tmpdir":       s.path(""),
		"bind-address": "127.0.0.1", "port": strconv.Itoa(s.port), "skip-name-resolve": "1",
		"max-connections": "200", "innodb-buffer-pool-size": "32M",
		"character-set-server": "utf8mb4", "collation-server": "utf8mb4_general_ci",
		// As in production, said aloud: the crash tests count on it.
		"innodb-flush-log-at-trx-commit": "1", "sync-binlog": "1",
	}
	maps.Copy(settings, m.settings)
	if o.Relaxed {
		maps.Copy(settings, m.relaxed)
	}
	for name, value := range o.Settings {
		settings[strings.ReplaceAll(name, "_", "-")] = value
	}
	args := slices.Concat([]string{"--no-defaults"}, m.files)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "--"+name+"="+settings[name])
	}
	return args
}

// URL is where a database of the server is reached over TCP, password included;
// "" for no database.
func (m *mysqlServer) URL(database string) string {
	if m.given != nil {
		u := *m.given
		u.Path = "/" + database
		return u.String()
	}
	u := url.URL{
		Scheme: m.scheme, User: url.UserPassword(mysqlLogin, m.private.password),
		Host: m.private.address(), Path: "/" + database,
	}
	return u.String()
}

// SocketURL is the same over the unix socket; on a given server it is URL.
func (m *mysqlServer) SocketURL(database string) string {
	if m.given != nil {
		return m.URL(database)
	}
	u := url.URL{
		Scheme: m.scheme, User: url.UserPassword(mysqlLogin, m.private.password), Path: "/" + database,
		RawQuery: url.Values{"socket": {m.private.path("sock")}}.Encode(),
	}
	return u.String()
}

// CreateDatabase makes an empty database.
func (m *mysqlServer) CreateDatabase(ctx context.Context, name string) error {
	return m.exec(ctx, "CREATE DATABASE "+backquoted(name))
}

// DropDatabase removes a database. Sessions on it live on without one. An absent
// one is no error.
func (m *mysqlServer) DropDatabase(ctx context.Context, name string) error {
	return m.exec(ctx, "DROP DATABASE IF EXISTS "+backquoted(name))
}

func backquoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Kill ends the server with SIGKILL, as a crash would. A given server is left
// alone and the call is an unsupported error.
func (m *mysqlServer) Kill() error {
	if m.given != nil {
		return errGiven
	}
	m.private.kill()
	return nil
}

// Restart kills the server if it runs and starts it again: same port, same data.
func (m *mysqlServer) Restart(ctx context.Context) error {
	if m.given != nil {
		return errGiven
	}
	return m.private.restart(ctx)
}

// Stop ends the server and removes its folder; a given server is left alone.
func (m *mysqlServer) Stop() error {
	if m.given != nil {
		return nil
	}
	return m.private.stop()
}

// exec runs one statement on a connection of its own.
func (m *mysqlServer) exec(ctx context.Context, statement string) error {
	connector, err := mysql.NewConnector(m.config())
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (m *mysqlServer) config() *mysql.Config {
	c := mysql.NewConfig()
	c.Logger = &mysql.NopLogger{} // a server that is starting refuses; that is no news
	if m.given != nil {
		c.User, c.Net, c.Addr = m.given.User.Username(), "tcp", m.given.Host
		c.Passwd, _ = m.given.User.Password()
		return c
	}
	c.User, c.Passwd, c.Net, c.Addr = mysqlLogin, m.private.password, "unix", m.private.path("sock")
	return c
}
