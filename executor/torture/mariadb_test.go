package torture_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	mysqlengine "github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// myScenes are told on MySQL, too.
var myScenes = []scene{
	myColumns, myClauses, myExchange, mySwap, mySelectInto, myProcedure, myCounting, myQualified, myViews, myTrigger,
	myRows, myTruncate, myDrops, myForeignKey, myMaintenance, myRoutines, mySession,
}

var mariadb = product{
	name:   mysqlengine.MariaDB,
	engine: func() executor.Engine { return mysqlengine.New(syntax.MariaDB) },
	form:   script.Form{Dialect: script.MySQL},
	start: func(tb privateserver.TB) server {
		return privateserver.OwnMariaDB(tb, privateserver.MariaDBOptions{Relaxed: true})
	},
	crash:   func(s server, _ *rand.Rand) error { return s.Kill() },
	connect: mariadbConnect,
	pairs:   pairs,
	reality: mariadbReality,
	scenes:  append([]scene{mariadbReplace}, myScenes...),
	ledger:  mariadbLedger,
	others:  mariadbOthers,
	remains: mariadbRemains,
	heads:   []string{stepwise},
	bad: badStates{
		database: func(t *testing.T) string { return privateserver.MariaDBDatabase(t) },
		replica: func(t *testing.T) string {
			return mariadbAt(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"read_only": "1"}})
		},
		login:  mariadbPoor,
		grants: mariadbGrants,
		full:   mariadbFull,
	},
}

// mariadbConnect opens a database past the engine. The URL is the engine's.
func mariadbConnect(text string) (*sql.DB, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Logger = &mysql.NopLogger{} // a server that is crashing is no news
	if err := c.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

var mariadbLedger = ledgerSQL{
	prefix: "shipsql_",
	exists: "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'shipsql_migrations'",
	rows:   "SELECT version, checksum, state, finished_at IS NOT NULL FROM shipsql_migrations WHERE history = 'default' AND kind = 'versioned' ORDER BY version + 0",
	steps:  "SELECT version, n, state FROM shipsql_steps WHERE history = 'default' AND kind = 'versioned' ORDER BY version + 0, n",
}

const (
	mariadbOthers  = "SELECT count(*) FROM information_schema.processlist WHERE user = substring_index(user(), '@', 1) AND id <> connection_id()"
	mariadbRemains = "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT LIKE 'torture%' AND schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')"
)

// mariadbObjects lists what people make: a SHOW CREATE for each thing, what is
// left out of its answer's columns, and where its rows are.
const mariadbObjects = `
SELECT concat('SHOW CREATE ', CASE table_type WHEN 'VIEW' THEN 'VIEW ' WHEN 'SEQUENCE' THEN 'SEQUENCE ' ELSE 'TABLE ' END, table_name),
	if(table_type = 'BASE TABLE', table_name, '') FROM information_schema.tables WHERE table_schema = database() AND table_name NOT LIKE 'shipsql\_%'
UNION ALL SELECT concat('SHOW CREATE ', routine_type, ' ', routine_name), '' FROM information_schema.routines WHERE routine_schema = database()
UNION ALL SELECT concat('SHOW CREATE TRIGGER ', trigger_name), '' FROM information_schema.triggers WHERE trigger_schema = database()
UNION ALL SELECT concat('SHOW CREATE EVENT ', event_name), '' FROM information_schema.events WHERE event_schema = database()
ORDER BY 1`

var autoIncrement = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func mariadbReality(db *sql.DB) (string, error) {
	ctx := context.Background()
	objects, err := table(ctx, db, mariadbObjects)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, o := range objects {
		shown, err := table(ctx, db, o[0])
		if err != nil {
			return "", err
		}
		lines = append(lines, o[0]+": "+strings.Join(shown[0][1:min(len(shown[0]), 4)], " "))
		if o[1] == "" {
			continue
		}
		rows, err := table(ctx, db, "SELECT * FROM "+o[1]) //nolint:unqueryvet // whatever its columns are
		if err != nil {
			return "", err
		}
		var texts []string
		for _, row := range rows {
			texts = append(texts, strings.Join(row, ","))
		}
		slices.Sort(texts)
		lines = append(lines, o[1]+": "+brief(texts))
	}
	name, err := list(ctx, db, "SELECT database()")
	if err != nil {
		return "", err
	}
	text := autoIncrement.ReplaceAllString(strings.Join(lines, "\n"), "") // a statement that was rolled back has used numbers up
	return strings.ReplaceAll(text, name[0], database), nil
}

// table is a query's rows as text.
func table(ctx context.Context, db *sql.DB, query string) (all [][]string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(columns))
		for i, v := range values {
			texts[i] = v.String
		}
		all = append(all, texts)
	}
	return all, rows.Err()
}

// mariadbAt is a database on a server of the test's own.
func mariadbAt(t *testing.T, o privateserver.MariaDBOptions) string {
	return ownDatabase(t, privateserver.OwnMariaDB(t, o))
}

func ownDatabase(t *testing.T, s server) string {
	if err := s.CreateDatabase(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	return s.URL("own")
}

// mariadbPoor makes a login of the database's name.
func mariadbPoor(b *bench) string {
	u, name := urlOf(b)
	b.exec("CREATE USER "+name+" IDENTIFIED BY 'poor'", fmt.Sprintf("GRANT SELECT ON %s.* TO %[1]s", name))
	b.t.Cleanup(func() {
		if _, err := b.db.ExecContext(context.Background(), "DROP USER "+name); err != nil {
			b.t.Error(err)
		}
	})
	u.User = url.UserPassword(name, "poor")
	return u.String()
}

func mariadbGrants(b *bench) {
	_, name := urlOf(b)
	b.exec("GRANT CREATE, ALTER, INDEX, DROP, REFERENCES ON " + name + ".* TO " + name)
	for _, table := range []string{"meta", "migrations", "steps"} {
		b.exec("GRANT SELECT, CREATE, INSERT, UPDATE, DELETE ON " + name + ".shipsql_" + table + " TO " + name)
	}
}

// mariadbFull is a server whose one tablespace may not grow beyond a size.
func mariadbFull(t *testing.T) (string, string) {
	return mariadbAt(t, small("ibdata1:4M")), hog
}

func small(tablespace string) privateserver.MariaDBOptions {
	return privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{
		"innodb_file_per_table": "0", "innodb_data_file_path": tablespace + ":autoextend:max:24M",
	}}
}

// hog needs more than a small server has.
const hog = "CREATE TABLE hog (n int, what char(250));\nINSERT INTO hog (n) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10);\n" +
	"INSERT INTO hog SELECT a.n, repeat('x', 250) FROM hog a, hog b, hog c, hog d, hog e;\n"
