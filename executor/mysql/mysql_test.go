package mysql_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// onMySQL is MySQL, as the suite sees it. Debian's releases don't have it, so a
// machine may lack it.
func onMySQL(t *testing.T) enginetest.Engine {
	t.Helper()
	if !privateserver.HasMySQL() {
		t.Skip("there is no MySQL here: run scripts/mysql")
	}
	e := engine
	e.Engine, e.Product = mysql.New(syntax.MySQL), "MySQL "
	e.Database = func(tb testing.TB) string { return privateserver.MySQLDatabase(tb) }
	e.Own = func(tb testing.TB) enginetest.Server {
		return privateserver.OwnMySQL(tb, privateserver.MariaDBOptions{Relaxed: true})
	}
	e.Replica = func(tb testing.TB) string {
		server := privateserver.OwnMySQL(tb, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"read_only": "1"}})
		if err := server.CreateDatabase(tb.Context(), "app"); err != nil {
			tb.Fatal(err)
		}
		return server.URL("app")
	}
	// A SLEEP that is killed is a success there, but no second row comes.
	e.SQL.Slow = "insert into a select sleep(600) from (select 1 union all select 2) as twice"
	e.SQL.Mended = "drop procedure torn; create procedure torn() insert into a values (1)"
	return e
}

// everywhere runs a test on MariaDB, and on MySQL where the machine has it.
func everywhere(t *testing.T, test func(*testing.T, enginetest.Engine)) {
	t.Helper()
	t.Run("MariaDB", func(t *testing.T) { test(t, engine) })
	t.Run("MySQL", func(t *testing.T) { test(t, onMySQL(t)) })
}

func TestMySQL(t *testing.T) { enginetest.Run(t, onMySQL(t)) }
