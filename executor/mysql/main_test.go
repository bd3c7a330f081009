package mysql_test

import (
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

// engine is MariaDB, as the suite sees it.
var engine = enginetest.Engine{
	Engine: mysql.New(syntax.MariaDB), Product: "MariaDB 1", Dialect: script.MySQL,
	Database: func(tb testing.TB) string { return privateserver.MariaDBDatabase(tb) },
	Connect:  connect,
	Own: func(tb testing.TB) enginetest.Server {
		return privateserver.OwnMariaDB(tb, privateserver.MariaDBOptions{Relaxed: true})
	},
	Replica: replica,
	SQL: enginetest.SQL{
		Ledger: "shipsql_", Placeholder: "?", LockTimeout: "@@lock_wait_timeout", Slow: "insert into a select sleep(600)",
		Torn:   "create procedure torn() begin insert into a values (1); commit; insert into nowhere values (1); end",
		Mended: "create or replace procedure torn() insert into a values (1)",
		Sneaky: "create procedure sneaky() do release_all_locks()",
		Login:  "create user NAME identified by 'made-up'", DropLogin: "drop user NAME",
		Reads: "grant select on a to NAME", Writes: "grant update on a to NAME",
	},
	Folder: map[string]string{
		"1_a.sql":     "create table counter(id int primary key, n int); insert into counter values (1, 0), (2, 0)",
		"2_rows.sql":  "update counter set n = n + 1; update counter set n = n + 10",
		"3_mixed.sql": "set names latin1, sql_mode = 'ANSI_QUOTES';\nupdate counter set n = n + 100;\nalter table counter add column \"other\" int;\nupdate counter set n = n + 1000;\ncreate unique index nth on counter(n, id);\ndrop index nth on counter;",
		"4_made.sql": "create view seen as select n from counter;\ncreate procedure p() begin update counter set n = n + 10000; end;\n" +
			"create table log(n int);\ncreate trigger noted after update on counter for each row insert into log values (new.id);\nupdate counter set n = n + 10000;",
		"5_last.sql": "drop trigger noted; rename table log to noted; update counter set n = n + 100000; create table gone like counter; drop table gone",
	},
	Proof: map[string]string{
		"select group_concat(n) from counter": "111111,111111",
		"select count(*) from noted":          "2",
		"select table_name from information_schema.tables where table_schema = database() and table_name not like 'shipsql%' order by 1":                                  "counter\nnoted\nseen",
		"select group_concat(column_name order by ordinal_position) from information_schema.columns where table_schema = database() and table_name = 'counter'":           "id,n,other",
		"select count(*) from information_schema.schemata where schema_name like concat('shipsql\\_scratch\\_', left(sha2(concat('shipsql/', database()), 256), 8), '%')": "0",
	},
	Reversible: map[string]string{
		"1_a.up.sql": "create table a(id int, n int); insert into a values (1, 0)",
		"2_b.up.sql": "update a set n = n + 1;", "2_b.down.sql": "update a set n = n + 10;",
		"3_c.up.sql":   "update a set n = n + 100; create index nth on a(n); alter table a add column m int; update a set n = n + 100",
		"3_c.down.sql": "update a set n = n + 1000;\ndrop index nth on a;\nupdate a set n = n + 10000;\nalter table a drop column m;\nupdate a set n = n + 100000;",
	},
}

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, engine)) }

// Tests that aren't parallel look at, or change, what the whole server has: its
// plugins, and whether there is any table that no transaction covers.

func TestEngine(t *testing.T) { enginetest.Run(t, engine) }

// bench is the suite's, with MariaDB's ways.
type bench struct {
	*enginetest.Bench

	t testing.TB
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return &bench{engine.NewBench(t), t}
}

func benchAt(t testing.TB, url string) *bench {
	t.Helper()
	return &bench{engine.BenchAt(t, url), t}
}

func openTarget(url string) executor.Target { return engine.Open(secret.Literal(url)) }

func load(t testing.TB, files map[string]string) []executor.Migration {
	t.Helper()
	return engine.Load(t, files)
}

var explain, quick, patient, unhurried = enginetest.Explain, enginetest.Quick, enginetest.Patient, enginetest.Unhurried

func connect(t testing.TB, text string) *sql.DB {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	config := driverpkg.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	config.Passwd, _ = u.User.Password()
	config.MultiStatements, config.Logger = true, &driverpkg.NopLogger{}
	connector, err := driverpkg.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// replica is a database of a server that takes no changes.
func replica(t testing.TB) string {
	server := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"read_only": "1"}})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	return server.URL("app")
}
