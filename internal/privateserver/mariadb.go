package privateserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/internal/fault"
)

// MariaDBOptions say how a MariaDB server is set up.
type MariaDBOptions struct {
	// Relaxed leaves out the flushes to disk. Such a server keeps every commit
	// over Kill, but not over the machine's crash; without it the server flushes
	// as one in production does.
	Relaxed bool
	// Settings are further server settings, e.g. "log_bin": "binlog".
	Settings map[string]string
}

// MariaDB is a running MariaDB server. It is safe for concurrent use.
type MariaDB struct {
	private *server  // nil for a given server
	given   *url.URL // nil for a private server
}

// mariadbFiles keep the data folder small, so that copying it is quick; installer
// and server must agree.
var mariadbFiles = []string{
	"--innodb-log-file-size=16M", "--innodb-data-file-path=ibdata1:4M:autoextend", "--innodb-autoextend-increment=1",
}

// mariadbLogin may do everything on a private server.
const mariadbLogin = "shipsql"

// StartMariaDB starts a private MariaDB server and returns when it answers. A
// missing installation is a not_found error that names the package.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) {
	install, err := mariadbInstaller()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "MariaDB", !o.Relaxed, "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{private: s}
	s.command = func() *exec.Cmd { return exec.Command(install.server, m.arguments(o)...) }
	s.ping = func(ctx context.Context) error { return m.exec(ctx, "SELECT 1") }
	if err := m.boot(ctx, install); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return m, nil
}

func (m *MariaDB) boot(ctx context.Context, install installer) error {
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
// without the password, at no moment. One statement a line.
func (m *MariaDB) firstStatements() string {
	return fmt.Sprintf("SET sql_log_bin = 0;\n"+
		"DROP USER IF EXISTS root@localhost, mysql@localhost;\n"+ // let in by the name of their process' user
		"CREATE USER IF NOT EXISTS %[1]s@'%%' IDENTIFIED BY '%[2]s';\n"+
		"GRANT ALL ON *.* TO %[1]s@'%%' WITH GRANT OPTION;\n", mariadbLogin, m.private.password)
}

func (m *MariaDB) arguments(o MariaDBOptions) []string {
	s := m.private
	settings := map[string]string{
		"datadir": s.path("data"), "socket": s.path("sock"), "pid-file": s.path("mariadbd.pid"), "init-file": s.path("init.sql"),
		// A server that starts removes the temporary tables it finds, others' too.
		"tmpdir":       s.path(""),
		"bind-address": "127.0.0.1", "port": strconv.Itoa(s.port), "skip-name-resolve": "1",
		"max-connections": "200", "innodb-buffer-pool-size": "32M",
		"character-set-server": "utf8mb4", "collation-server": "utf8mb4_general_ci",
		// As in production, said aloud: the crash tests count on it.
		"innodb-flush-log-at-trx-commit": "1", "sync-binlog": "1",
	}
	if o.Relaxed {
		maps.Copy(settings, map[string]string{
			"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "innodb-flush-method": "nosync", "sync-frm": "0",
		})
	}
	for name, value := range o.Settings {
		settings[strings.ReplaceAll(name, "_", "-")] = value
	}
	args := slices.Concat([]string{"--no-defaults"}, mariadbFiles)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "--"+name+"="+settings[name])
	}
	return args
}

// URL is where a database of the server is reached over TCP, password included;
// "" for no database.
func (m *MariaDB) URL(database string) string {
	if m.given != nil {
		u := *m.given
		u.Path = "/" + database
		return u.String()
	}
	u := url.URL{
		Scheme: "mariadb", User: url.UserPassword(mariadbLogin, m.private.password),
		Host: m.private.address(), Path: "/" + database,
	}
	return u.String()
}

// SocketURL is the same over the unix socket; on a given server it is URL.
func (m *MariaDB) SocketURL(database string) string {
	if m.given != nil {
		return m.URL(database)
	}
	u := url.URL{
		Scheme: "mariadb", User: url.UserPassword(mariadbLogin, m.private.password), Path: "/" + database,
		RawQuery: url.Values{"socket": {m.private.path("sock")}}.Encode(),
	}
	return u.String()
}

// CreateDatabase makes an empty database.
func (m *MariaDB) CreateDatabase(ctx context.Context, name string) error {
	return m.exec(ctx, "CREATE DATABASE "+backquoted(name))
}

// DropDatabase removes a database. Sessions on it live on without one. An absent
// one is no error.
func (m *MariaDB) DropDatabase(ctx context.Context, name string) error {
	return m.exec(ctx, "DROP DATABASE IF EXISTS "+backquoted(name))
}

func backquoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Kill ends the server with SIGKILL, as a crash would. A given server is left
// alone and the call is an unsupported error.
func (m *MariaDB) Kill() error {
	if m.given != nil {
		return errGiven
	}
	m.private.kill()
	return nil
}

// Restart kills the server if it runs and starts it again: same port, same data.
func (m *MariaDB) Restart(ctx context.Context) error {
	if m.given != nil {
		return errGiven
	}
	return m.private.restart(ctx)
}

// Stop ends the server and removes its folder; a given server is left alone.
func (m *MariaDB) Stop() error {
	if m.given != nil {
		return nil
	}
	return m.private.stop()
}

// exec runs one statement on a connection of its own.
func (m *MariaDB) exec(ctx context.Context, statement string) error {
	connector, err := mysql.NewConnector(m.config())
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (m *MariaDB) config() *mysql.Config {
	c := mysql.NewConfig()
	c.Logger = &mysql.NopLogger{} // a server that is starting refuses; that is no news
	if m.given != nil {
		c.User, c.Net, c.Addr = m.given.User.Username(), "tcp", m.given.Host
		c.Passwd, _ = m.given.User.Password()
		return c
	}
	c.User, c.Passwd, c.Net, c.Addr = mariadbLogin, m.private.password, "unix", m.private.path("sock")
	return c
}

// mariadbInstaller finds the server and what makes its data folder.
func mariadbInstaller() (installer, error) {
	server, err := find("mariadbd")
	if err != nil {
		return installer{}, err
	}
	install, err := find("mariadb-install-db")
	if err != nil {
		return installer{}, err
	}
	command := slices.Concat(
		[]string{install, "--no-defaults", "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"},
		mariadbFiles, []string{"--datadir="})
	return installer{server, command}, nil
}

// find looks for a program of MariaDB: on PATH, else where Debian has servers,
// which a plain user's PATH leaves out.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if path := filepath.Join("/usr/sbin", program); executable(path) {
		return path, nil
	}
	return "", fault.New(fault.NotFound, "MariaDB's server is not installed: no %s on PATH or in /usr/sbin", program).
		Then("install it (Debian, Ubuntu: apt-get install mariadb-server) or put its folder on PATH")
}
