package syntax_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// The server's answers to PREPARE that say something of the text.
const (
	syntaxError = 1064
	noDatabase  = 1046 // a name without a schema, on a connection without one
)

// bare is a connection to a server without a database: what it resolves must
// name its schema.
func bare(t *testing.T, flavour syntax.Flavour) *sql.Conn {
	t.Helper()
	server := func() string { return privateserver.SharedMariaDB(t).URL("") }
	if flavour == syntax.MySQL {
		if !privateserver.HasMySQL() {
			t.Skip("there is no MySQL here: run scripts/mysql")
		}
		server = func() string { return privateserver.SharedMySQL(t).URL("") }
	}
	u, err := url.Parse(server())
	if err != nil {
		t.Fatal(err)
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = u.User.Username(), "tcp", u.Host
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// prepare returns what the server says against a statement, 0 for nothing.
func prepare(ctx context.Context, conn *sql.Conn, text string) uint16 {
	statement, err := conn.PrepareContext(ctx, text)
	if err == nil {
		defer func() { _ = statement.Close() }()
		return 0
	}
	if problem, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return problem.Number
	}
	return syntaxError // the connection's trouble: nothing is proven
}

func TestWhatIsMadeOfAStatementIsSQLToTheServer(t *testing.T) {
	for flavour, online := range map[syntax.Flavour]int{syntax.MariaDB: 50, syntax.MySQL: 45} {
		t.Run(string(flavour), func(t *testing.T) { isSQLTo(t, flavour, online) })
	}
}

func isSQLTo(t *testing.T, flavour syntax.Flavour, enough int) {
	t.Helper()
	conn, home := bare(t, flavour), bare(t, flavour)
	if _, err := home.ExecContext(t.Context(), "USE mysql"); err != nil {
		t.Fatal(err)
	}
	accepted, moved, online := 0, 0, 0
	for _, text := range statements(t) {
		if prepare(t.Context(), home, text) == syntaxError {
			continue // not the product's
		}
		accepted++
		s := syntax.Parse(text, flavour)
		if s.Kind == syntax.Unknown {
			t.Errorf("the server takes %s, and we don't know what it is", text)
		}
		if out, ok := s.Rewrite("app", "scratch"); ok {
			moved++
			if code := prepare(t.Context(), conn, out); code == syntaxError || code == noDatabase {
				t.Errorf("%s\nmoved: %s\nthe server says %d", text, out, code)
			}
		}
		if out, ok := s.Online("INPLACE", "NONE"); ok {
			online++
			if code := prepare(t.Context(), home, out); code == syntaxError {
				t.Errorf("%s\nonline: %s\nthe server says %d", text, out, code)
			}
		}
	}
	t.Logf("the server takes %d, %d are moved, %d asked to be online", accepted, moved, online)
	if accepted < 200 || moved < 80 || online < enough {
		t.Errorf("the server takes %d, %d are moved, %d asked to be online: too few to prove anything", accepted, moved, online)
	}
}

func TestAMovedStatementLeavesItsOwnSchemaAlone(t *testing.T) {
	conn := bare(t, syntax.MariaDB)
	must := func(text string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	must("DROP DATABASE IF EXISTS moved_from")
	must("DROP DATABASE IF EXISTS moved_to")
	must("CREATE DATABASE moved_from")
	must("CREATE DATABASE moved_to")
	t.Cleanup(func() {
		_, _ = conn.ExecContext(context.Background(), "DROP DATABASE moved_from")
		_, _ = conn.ExecContext(context.Background(), "DROP DATABASE moved_to")
	})
	must("USE moved_from") // a name that was overlooked would land here
	for _, text := range []string{
		"CREATE TABLE u (id INT PRIMARY KEY)",
		"CREATE TABLE moved_from.t (id INT PRIMARY KEY, u_id INT, n INT, CONSTRAINT fk FOREIGN KEY (u_id) REFERENCES moved_from.u (id)) /*!50100 COMMENT='x' */",
		"CREATE TABLE `like` LIKE t",
		"ALTER TABLE t ADD COLUMN IF NOT EXISTS v INT REFERENCES u (id), ADD INDEX i (n)",
		"CREATE INDEX j ON t (n, id)",
		"DROP INDEX j ON moved_from.t",
		"CREATE OR REPLACE VIEW v AS SELECT t.n, u.id FROM t JOIN moved_from.u ON t.u_id = u.id WHERE t.n > 1 AND u.id IN (SELECT id FROM u)",
		"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = IF(NEW.n, 1, 2)",
		"CREATE PROCEDURE p() BEGIN DELETE FROM t; DELETE FROM moved_from.u; END",
		"CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
		"CREATE SEQUENCE s",
		"RENAME TABLE `like` TO copy",
		"ALTER TABLE copy RENAME TO copy2",
		"TRUNCATE copy2",
		"DROP TABLE copy2",
		"DROP PROCEDURE p",
	} {
		out, ok := syntax.Parse(text, syntax.MariaDB).Rewrite("moved_from", "moved_to")
		if !ok {
			t.Errorf("not moved: %s", text)
			continue
		}
		must(out)
	}
	var here, there int
	const count = "SELECT (SELECT count(*) FROM information_schema.tables WHERE table_schema = ?) + (SELECT count(*) FROM information_schema.routines WHERE routine_schema = ?) + (SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = ?)"
	for schema, into := range map[string]*int{"moved_from": &here, "moved_to": &there} {
		if err := conn.QueryRowContext(t.Context(), count, schema, schema, schema).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	if here != 0 || there != 6 {
		t.Errorf("%d objects in the schema that was to be left alone, %d in the other; want 0 and 6", here, there)
	}
}
