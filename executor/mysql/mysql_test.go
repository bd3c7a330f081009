package mysql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// onMySQL is MySQL, as the suite sees it. Debian's releases don't have it, so a
// machine may lack it.
func onMySQL(t *testing.T) enginetest.Engine {
	t.Helper()
	switch {
	case !privateserver.HasMySQL():
		t.Skip("there is no MySQL here: run scripts/mysql")
	case enginetest.Raced:
		t.Skip("the race detector has seen the engine on MariaDB")
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

func TestAnAlterOnMySQLSaysHowFarAndIsCancelled(t *testing.T) {
	t.Parallel()
	b := &bench{onMySQL(t).NewBench(t), t}
	b.Exec("update performance_schema.setup_consumers set enabled = 'YES' where name like 'events_stages%'",
		"create table a(n int)", "set cte_max_recursion_depth = 100000",
		"insert into a with recursive s(n) as (select 1 union all select n + 1 from s where n < 100000) select n from s")
	var seen executor.Event
	files := map[string]string{"1_x.sql": copying}
	_, err := b.cancelled(b, files, func(e executor.Event) bool {
		seen = e
		return e.Of > 0
	})
	if failure, ok := errors.AsType[*executor.Failure](err); !ok || failure.Statement != 1 || !strings.Contains(err.Error(), "the statement was cancelled") {
		t.Errorf("error %v", err)
	}
	if seen.Phase != "copy to tmp table" || seen.Done > seen.Of {
		t.Errorf("event %+v", seen)
	}
	if got := b.States(files); got != "1 pending 0/1" {
		t.Errorf("states %q", got)
	}
}

func TestAnAlterOnMySQLThatWaitsSaysForWhom(t *testing.T) {
	t.Parallel()
	b := &bench{onMySQL(t).NewBench(t), t}
	b.Exec("create table a(n int)", "insert into a values (1)")
	reader := b.Session("begin", "select n from a")
	seen := ""
	err := b.followed(map[string]string{"1_x.sql": "alter table a add column m int"}, func(e executor.Event) {
		if seen == "" && e.Detail != "" {
			seen = e.Detail
			b.On(reader, "commit")
		}
	})
	if err != nil || !strings.HasPrefix(seen, "waits for table metadata lock of 'shipsql' (connection ") || !strings.Contains(seen, ", in a transaction since 20") {
		t.Errorf("%q, %v", seen, err)
	}
}
