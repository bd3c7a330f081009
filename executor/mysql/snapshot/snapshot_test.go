package snapshot_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/mysql/snapshot"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// open makes a database with the statements in it.
func open(t *testing.T, statements ...string) (db *sql.DB, schema string) {
	t.Helper()
	return openAt(t, privateserver.MariaDBDatabase(t), statements...)
}

func openAt(t *testing.T, at string, statements ...string) (db *sql.DB, schema string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db = sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return db, c.DBName
}

// made is of everything that a snapshot tells something about.
var made = []string{
	`CREATE TABLE teams (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'it''s', UNIQUE KEY by_name (name))`,
	`CREATE TABLE users (id BIGINT NOT NULL, region CHAR(2) NOT NULL, team INT UNSIGNED, bio TEXT, n INT DEFAULT 5, twice INT AS (n * 2) VIRTUAL,
		made DATETIME(6) DEFAULT current_timestamp(6), PRIMARY KEY (id, region), KEY bio (bio(10), n), FULLTEXT KEY words (bio),
		CONSTRAINT in_team FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE, CONSTRAINT small CHECK (n < 10))`,
	`CREATE TABLE logs (id INT NOT NULL) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)`,
	`CREATE VIEW names AS SELECT name FROM teams`,
	`CREATE TABLE shipsql_meta (format INT)`,
	`CREATE FUNCTION plus(a INT, b VARCHAR(3)) RETURNS INT DETERMINISTIC RETURN a + 1`,
	`CREATE FUNCTION dice() RETURNS DOUBLE RETURN rand()`,
	`CREATE PROCEDURE nothing(a INT) DO 1`,
	`INSERT INTO teams (name) VALUES ('a'), ('b')`,
}

// inMySQLsWords is how MySQL says what MariaDB says in other words.
var inMySQLsWords = strings.NewReplacer("int(10)", "int", "int(11)", "int", "bigint(20)", "bigint",
	"current_timestamp(6)", "CURRENT_TIMESTAMP(6)", "(`n` < 10)", "((`n` < 10))").Replace

func inMariaDBsWords(text string) string { return text }

// madeTables is what a snapshot tells about its tables, but for their sizes.
func madeTables(name func(string) catalog.Name, as func(string) string) map[catalog.Name]*catalog.Table {
	return map[catalog.Name]*catalog.Table{
		name("teams"): {
			Name: name("teams"), Kind: catalog.BaseTable,
			Columns: []catalog.Column{
				{Name: "id", Type: as("int(10) unsigned"), NotNull: true, Identity: true},
				{Name: "name", Type: "varchar(20)", NotNull: true, Default: "'it''s'"},
			},
			Indexes: []catalog.Index{
				{Name: "by_name", Columns: []string{"name"}, Unique: true, Valid: true, Definition: "UNIQUE KEY `by_name` (`name`)"},
				{Name: "PRIMARY", Columns: []string{"id"}, Unique: true, Primary: true, Valid: true, Definition: "PRIMARY KEY (`id`)"},
			},
			Constraints: []catalog.Constraint{
				{Name: "by_name", Kind: catalog.Unique, Columns: []string{"name"}, Validated: true, Definition: "UNIQUE KEY `by_name` (`name`)"},
				{Name: "PRIMARY", Kind: catalog.PrimaryKey, Columns: []string{"id"}, Validated: true, Definition: "PRIMARY KEY (`id`)"},
			},
		},
		name("users"): {
			Name: name("users"), Kind: catalog.BaseTable,
			Columns: []catalog.Column{
				{Name: "id", Type: as("bigint(20)"), NotNull: true},
				{Name: "region", Type: "char(2)", NotNull: true},
				{Name: "team", Type: as("int(10) unsigned")},
				{Name: "bio", Type: "text"},
				{Name: "n", Type: as("int(11)"), Default: "5"},
				{Name: "twice", Type: as("int(11)"), Generated: true},
				{Name: "made", Type: "datetime(6)", Default: as("current_timestamp(6)")},
			},
			Indexes: []catalog.Index{
				{Name: "bio", Columns: []string{"bio", "n"}, Valid: true, Definition: "KEY `bio` (`bio`(10),`n`)"},
				{Name: "in_team", Columns: []string{"team"}, Valid: true, Definition: "KEY `in_team` (`team`)"},
				{Name: "PRIMARY", Columns: []string{"id", "region"}, Unique: true, Primary: true, Valid: true, Definition: "PRIMARY KEY (`id`,`region`)"},
				{Name: "words", Columns: []string{"bio"}, Valid: true, Definition: "FULLTEXT KEY `words` (`bio`)"},
			},
			Constraints: []catalog.Constraint{
				{Name: "PRIMARY", Kind: catalog.PrimaryKey, Columns: []string{"id", "region"}, Validated: true, Definition: "PRIMARY KEY (`id`,`region`)"},
				{Name: "in_team", Kind: catalog.ForeignKey, Columns: []string{"team"}, Validated: true, RefTable: name("teams"), RefColumns: []string{"id"},
					Definition: "FOREIGN KEY (`team`) REFERENCES `teams` (`id`) ON DELETE CASCADE"},
				{Name: "small", Kind: catalog.Check, Validated: true, Definition: as("CHECK (`n` < 10)")},
			},
		},
		name("logs"): {
			Name: name("logs"), Kind: catalog.PartitionedTable,
			Columns: []catalog.Column{{Name: "id", Type: as("int(11)"), NotNull: true}},
		},
		name("names"): {
			Name: name("names"), Kind: catalog.View,
			Columns: []catalog.Column{{Name: "name", Type: "varchar(20)", NotNull: true, Default: "'it''s'"}},
		},
	}
}

func TestReadFindsWhatIsThere(t *testing.T) {
	db, schema := open(t, append(made, "CREATE SEQUENCE numbers")...)
	found := findsWhatIsThere(t, db, schema, inMariaDBsWords)
	if found.Engine != "mariadb" || found.Major() < 10 {
		t.Errorf("engine %s, version %s", found.Engine, found.Version)
	}
}

func TestReadFindsWhatIsThereOnMySQL(t *testing.T) {
	if !privateserver.HasMySQL() {
		t.Skip("there is no MySQL here: run scripts/mysql")
	}
	db, schema := openAt(t, privateserver.MySQLDatabase(t), made...)
	found := findsWhatIsThere(t, db, schema, inMySQLsWords)
	if found.Engine != "mysql" || found.Major() < 8 {
		t.Errorf("engine %s, version %s", found.Engine, found.Version)
	}
}

func findsWhatIsThere(t *testing.T, db *sql.DB, schema string, as func(string) string) *catalog.Catalog {
	t.Helper()
	got, err := snapshot.Read(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	name := func(n string) catalog.Name { return catalog.Name{Schema: schema, Name: n} }
	sized := func(s catalog.Size) bool { return s.Known && s.Rows >= 0 && s.Bytes > 0 }
	if !sized(got.Tables[name("teams")].Size) || !sized(got.Tables[name("logs")].Size) || got.Tables[name("names")].Size.Known {
		t.Errorf("sizes: %+v, %+v, %+v", got.Tables[name("teams")].Size, got.Tables[name("logs")].Size, got.Tables[name("names")].Size)
	}
	if diff := cmp.Diff(madeTables(name, as), got.Tables, cmpopts.IgnoreTypes(catalog.Size{})); diff != "" {
		t.Error(diff)
	}
	functions := map[catalog.Name][]catalog.Function{
		name("plus"): {{Arguments: as("int(11), varchar(3)"), Volatility: catalog.Immutable}},
		name("dice"): {{Volatility: catalog.Volatile}},
	}
	if diff := cmp.Diff(functions, got.Functions); diff != "" {
		t.Error(diff)
	}
	return got
}

// counter counts the queries that pass through it.
type counter struct {
	*sql.DB

	queries int
}

func (c *counter) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.queries++
	return c.DB.QueryContext(ctx, query, args...)
}

func TestTheNumberOfQueriesIsNotTheTables(t *testing.T) {
	count := func(tables int) int {
		var statements []string
		for n := range tables {
			statements = append(statements, fmt.Sprintf("CREATE TABLE t%d (id INT PRIMARY KEY, n INT, KEY k (n))", n))
		}
		db, _ := open(t, statements...)
		c := &counter{DB: db}
		got, err := snapshot.Read(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Tables) != tables {
			t.Errorf("%d tables, want %d", len(got.Tables), tables)
		}
		return c.queries
	}
	if few, many := count(1), count(30); few != many {
		t.Errorf("%d queries for one table, %d for thirty", few, many)
	}
}
