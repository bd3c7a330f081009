package history_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// server is a real database: what history reads, and what the tests write.
type server interface {
	executor.Reader
	exec(sql string) error
}

type pg struct{ *pgx.Conn }

func (p pg) exec(sql string) error {
	_, err := p.PgConn().Exec(context.Background(), sql).ReadAll()
	return err
}

func (p pg) Query(ctx context.Context, q executor.Query, each func(func(...any) error) error) error {
	rows, err := p.Conn.Query(ctx, q.SQL, q.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

type maria struct{ *sql.DB }

func (m maria) exec(sql string) error {
	_, err := m.Exec(sql)
	return err
}

func (m maria) Query(ctx context.Context, q executor.Query, each func(func(...any) error) error) error {
	rows, err := m.QueryContext(ctx, q.SQL, q.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// dialects are what every test of a history runs on.
var dialects = []script.Dialect{script.Postgres, script.MySQL}

// fresh makes an empty database.
func fresh(t *testing.T, d script.Dialect) server {
	t.Helper()
	if d == script.MySQL {
		return openMariaDB(t, privateserver.MariaDBDatabase(t))
	}
	return openPostgres(t, privateserver.Database(t))
}

func openPostgres(t *testing.T, url string) server {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return pg{conn}
}

func openMariaDB(t *testing.T, url string) server {
	t.Helper()
	config, err := mysql.ParseDSN(dsn(url))
	if err != nil {
		t.Fatal(err)
	}
	config.MultiStatements = true
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return maria{db}
}

// dsn turns mariadb://user:password@host:port/db into the driver's form.
func dsn(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	login, place, _ := strings.Cut(rest, "@")
	host, database, _ := strings.Cut(place, "/")
	return fmt.Sprintf("%s@tcp(%s)/%s", login, host, database)
}

// golden is a folder, a tool's documented table half-way through it, and what
// adopting it has to say.
type golden struct {
	name   string
	files  []executor.File
	tables map[script.Dialect]string
	want   string
}

func readGolden(t *testing.T, file string) golden {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), tables: map[script.Dialect]string{}}
	for _, f := range archive.Files {
		switch f.Name {
		case "postgres.sql":
			g.tables[script.Postgres] = string(f.Data)
		case "mysql.sql":
			g.tables[script.MySQL] = string(f.Data)
		case "want":
			g.want = string(f.Data)
		default:
			g.files = append(g.files, executor.File{Path: f.Name, Content: f.Data})
		}
	}
	return g
}

// folder reads the files as the tool's layout.
func (g golden) folder(t *testing.T, d script.Dialect) history.Folder {
	t.Helper()
	tool, _, _ := strings.Cut(g.name, "-legacy")
	loaded, err := layout.Load(g.files, layout.Options{Name: tool, Dialect: d})
	if err != nil {
		t.Fatal(err)
	}
	return history.Folder{Migrations: loaded.Migrations, Files: g.files}
}

// told is a comparison as the goldens have it.
func told(h history.History, c history.Comparison) string {
	var b strings.Builder
	_, table, _ := strings.Cut(h.Table, ".")
	fmt.Fprintf(&b, "table %s\n", strings.ToLower(table))
	name := func(m executor.Migration) string {
		if h.Tool == layout.Liquibase {
			return m.Version
		}
		return m.Path
	}
	for _, m := range c.Proven {
		fmt.Fprintln(&b, "proven", name(m))
	}
	for _, u := range c.Unproven {
		line := "unproven " + name(u.Migration)
		if u.Changed {
			line += " changed"
		}
		fmt.Fprintln(&b, line)
	}
	for _, m := range c.Pending {
		fmt.Fprintln(&b, "pending", name(m))
	}
	for _, r := range c.Unknown {
		fmt.Fprintln(&b, strings.TrimSpace("unknown "+r.Version+" "+r.Script))
	}
	return b.String()
}

// TestHalfWay adopts each tool's golden repository from its documented table.
func TestHalfWay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 9 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		g := readGolden(t, file)
		for _, d := range dialects {
			t.Run(g.name+"/"+string(d), func(t *testing.T) {
				s := fresh(t, d)
				if err := s.exec(g.tables[d]); err != nil {
					t.Fatal(err)
				}
				h, err := history.Find(t.Context(), s, history.Where{Dialect: d})
				if err != nil {
					t.Fatal(err)
				}
				if tool, _, _ := strings.Cut(g.name, "-legacy"); h.Tool != tool {
					t.Errorf("taken for %s", h.Tool)
				}
				folder := g.folder(t, d)
				c := history.Compare(h, folder)
				if diff := cmp.Diff(g.want, told(h, c)); diff != "" {
					t.Error(diff)
				}
				if n := len(c.Applied(folder)); n != len(c.Proven)+len(c.Unproven) {
					t.Errorf("%d applied, %d proven and %d unproven", n, len(c.Proven), len(c.Unproven))
				}
			})
		}
	}
}
