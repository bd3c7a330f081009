package privateserver_test

import (
	"testing"

	"github.com/shipsql/shipsql/internal/privateserver"
)

// What MySQL shares with MariaDB is tested there.

func ownMySQL(t *testing.T, o privateserver.MariaDBOptions) *privateserver.MySQL {
	t.Helper()
	if !privateserver.HasMySQL() {
		t.Skip("there is no MySQL here: run scripts/mysql")
	}
	return privateserver.OwnMySQL(t, o)
}

func TestMySQLKeepsItsDataAndItsPassword(t *testing.T) {
	m := ownMySQL(t, privateserver.MariaDBOptions{Relaxed: true})
	if err := m.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	mustExecMariaDB(t, openMariaDB(t, m.URL("app")), "CREATE TABLE kept AS SELECT 1 AS n")
	if err := m.Restart(t.Context()); err != nil { // after SIGKILL
		t.Fatal(err)
	}
	if got := oneMariaDB(t, openMariaDB(t, m.URL("app")), "SELECT concat(n, ' ', @@version_comment) FROM kept"); got != "1 (Debian)" {
		t.Errorf("after the restart: %q", got)
	}
	wantsThePassword(t, m.URL(""), m.SocketURL(""))
}

func TestMySQLFlushesAsInProductionUnlessRelaxed(t *testing.T) {
	const query = "SELECT concat_ws(' ', @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@innodb_doublewrite, @@log_bin)"
	for want, relaxed := range map[string]bool{"1 1 ON 1": false, "2 0 OFF 1": true} {
		m := ownMySQL(t, privateserver.MariaDBOptions{Relaxed: relaxed})
		if got := oneMariaDB(t, openMariaDB(t, m.URL("")), query); got != want {
			t.Errorf("relaxed %t: %s, want %s", relaxed, got, want)
		}
	}
}
