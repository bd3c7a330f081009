package privateserver_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

func TestMariaDBSurvivesKillAndRestart(t *testing.T) {
	m := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Settings: map[string]string{"log_bin": "binlog", "server_id": "7"}})
	ctx := t.Context()
	if err := m.CreateDatabase(ctx, "od`d"); err != nil {
		t.Fatal(err)
	}
	db := openMariaDB(t, m.URL("od`d"))
	mustExecMariaDB(t, db, "CREATE TABLE kept(n int)")
	mustExecMariaDB(t, db, "INSERT INTO kept VALUES (1)")
	// A session in the middle of a statement must die with the server.
	busy := make(chan error, 1)
	go func() {
		_, err := openMariaDB(t, m.SocketURL("od`d")).Exec("SELECT SLEEP(1000)")
		busy <- err
	}()
	eventually(t, "the statement runs", func() bool {
		return oneMariaDB(t, db, "SELECT count(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(1000)'") == "1"
	})
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-busy; err == nil {
		t.Error("the statement outlived its server")
	}
	if err := db.PingContext(ctx); err == nil {
		t.Error("a killed server answers")
	}
	if err := m.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	again := openMariaDB(t, m.URL("od`d"))
	if got := oneMariaDB(t, again, "SELECT concat_ws(' ', n, @@log_bin, @@server_id) FROM kept"); got != "1 ON 7" {
		t.Errorf("after the restart: %q", got)
	}
	if err := errors.Join(m.DropDatabase(ctx, "od`d"), m.DropDatabase(ctx, "od`d")); err != nil {
		t.Error(err)
	}
}

func TestMariaDBFlushesAsInProductionUnlessRelaxed(t *testing.T) {
	const query = "SELECT concat_ws(' ', @@innodb_flush_log_at_trx_commit, @@sync_binlog)"
	own := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{})
	if got := oneMariaDB(t, openMariaDB(t, own.URL("")), query); got != "1 1" {
		t.Errorf("a server of our own flushes %s", got)
	}
	if got := oneMariaDB(t, openMariaDB(t, privateserver.SharedMariaDB(t).URL("")), query); got != "2 0" {
		t.Errorf("the shared server flushes %s", got)
	}
}

func TestMariaDBWantsThePasswordEverywhere(t *testing.T) {
	m := privateserver.SharedMariaDB(t)
	wantsThePassword(t, m.URL(""), m.SocketURL(""))
}

func wantsThePassword(t *testing.T, urls ...string) {
	t.Helper()
	for _, from := range urls {
		if err := openMariaDB(t, from).PingContext(t.Context()); err != nil {
			t.Error(err)
		}
		u, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, user := range []string{u.User.Username(), "root", ""} {
			u.User = url.UserPassword(user, "")
			if err := openMariaDB(t, u.String()).PingContext(t.Context()); err == nil {
				t.Errorf("%q gets in without a password", user)
			}
		}
	}
}

func TestEachTestGetsAMariaDBDatabaseThatIsDropped(t *testing.T) {
	var used string
	t.Run("inner", func(t *testing.T) {
		used = privateserver.MariaDBDatabase(t)
		if other := privateserver.MariaDBDatabase(t); other == used {
			t.Error("two databases are one")
		}
		mustExecMariaDB(t, openMariaDB(t, used), "CREATE TABLE x(n int)")
	})
	if err := openMariaDB(t, used).PingContext(t.Context()); err == nil {
		t.Error("the database outlived its test")
	}
}

func TestMariaDBStopRemovesTheFolder(t *testing.T) {
	m, err := privateserver.StartMariaDB(t.Context(), privateserver.MariaDBOptions{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(m.SocketURL(""))
	home := filepath.Dir(u.Query().Get("socket"))
	if _, err := os.Stat(home); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Stop(), m.Stop()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", home, err)
	}
}

func TestAMissingMariaDBNamesThePackage(t *testing.T) {
	if _, err := os.Stat("/usr/sbin/mariadbd"); err == nil {
		t.Skip("MariaDB is where it is looked for whatever PATH says")
	}
	t.Setenv("PATH", t.TempDir())
	_, err := privateserver.StartMariaDB(t.Context(), privateserver.MariaDBOptions{})
	if fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "apt-get install mariadb-server") {
		t.Errorf("StartMariaDB: %v", err)
	}
}

func openMariaDB(t *testing.T, from string) *sql.DB {
	t.Helper()
	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Logger = &mysql.NopLogger{}
	if socket := u.Query().Get("socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func mustExecMariaDB(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func oneMariaDB(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var value string
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
