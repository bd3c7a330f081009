package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		child(url)
	}
	os.Exit(m.Run())
}

// bench is a database with a target on it.
type bench struct {
	executor.Target

	t   testing.TB
	url string
	db  *sql.DB // of the test's own
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return benchAt(t, privateserver.MariaDBDatabase(t))
}

func benchAt(t testing.TB, url string) *bench {
	t.Helper()
	return &bench{openTarget(url), t, url, connect(t, url)}
}

func openTarget(url string) executor.Target {
	return mysql.New(syntax.MariaDB).Open(secret.Literal(url))
}

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
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// load makes migrations of "path" → text, in the native layout.
func load(t testing.TB, files map[string]string) []executor.Migration {
	t.Helper()
	var all []executor.File
	for path, text := range files {
		all = append(all, executor.File{Path: path, Content: []byte(text)})
	}
	folder, err := layout.Load(all, layout.Options{Name: layout.Native, Dialect: script.MySQL})
	if err != nil {
		t.Fatal(err)
	}
	return folder.Migrations
}

// quick are limits for tests: locks are given up soon.
var quick = executor.Limits{LockTimeout: 100 * time.Millisecond, LockRetryFor: 500 * time.Millisecond}

func (b *bench) apply(files map[string]string) (executor.Result, error) {
	b.t.Helper()
	return b.Apply(b.t.Context(), executor.Run{Migrations: load(b.t, files), Limits: quick})
}

func (b *bench) mustApply(files map[string]string) executor.Result {
	b.t.Helper()
	result, err := b.apply(files)
	if err != nil {
		b.t.Fatal(explain(err))
	}
	return result
}

// explain shows a failure's detail too.
func explain(err error) string {
	if failure, ok := errors.AsType[*executor.Failure](err); ok {
		return fmt.Sprintf("%v (%s; %s)", err, failure.Detail, failure.Hint)
	}
	return fmt.Sprint(err)
}

func (b *bench) exec(statements ...string) {
	b.t.Helper()
	for _, text := range statements {
		if _, err := b.db.ExecContext(b.t.Context(), text); err != nil {
			b.t.Fatalf("%s: %v", text, err)
		}
	}
}

// query returns a query's rows, columns joined by |, rows by a line end.
func (b *bench) query(text string) string {
	b.t.Helper()
	rows, err := b.db.QueryContext(b.t.Context(), text)
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			b.t.Fatal(err)
		}
		text := make([]string, len(columns))
		for i, v := range values {
			text[i] = v.String
			if !v.Valid {
				text[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(text, "|"))
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func (b *bench) want(text, want string) {
	b.t.Helper()
	if got := b.query(text); got != want {
		b.t.Errorf("%s = %q, want %q", text, got, want)
	}
}

// wantTable says whether there should be a table.
func (b *bench) wantTable(name string, there bool) {
	b.t.Helper()
	got := b.query("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '"+name+"'") == "1"
	if got != there {
		b.t.Errorf("table %s is there: %t", name, got)
	}
}

// states is the ledger joined with the folder, as "version state done/total".
func (b *bench) states(files map[string]string) string {
	b.t.Helper()
	entries, err := b.Status(b.t.Context(), "", load(b.t, files))
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%s %s %d/%d", e.Version, e.State, e.Done, e.Total))
	}
	return strings.Join(lines, "\n")
}

// childURL and childDir name the database and the folder that a child process
// applies; see TestKilledProcesses.
const (
	childURL = "SHIPSQL_EXECUTOR_CHILD_URL"
	childDir = "SHIPSQL_EXECUTOR_CHILD_DIR"
)

// child applies a folder, tells its progress line by line, and ends the process.
func child(url string) {
	files, err := layout.ReadDir(os.DirFS(os.Getenv(childDir)), ".")
	if err != nil {
		childFailed(err)
	}
	folder, err := layout.Load(files, layout.Options{Name: layout.Native, Dialect: script.MySQL})
	if err != nil {
		childFailed(err)
	}
	_, err = openTarget(url).Apply(context.Background(), executor.Run{
		Migrations: folder.Migrations, Limits: executor.Limits{LockRetryFor: time.Minute},
		Progress: func(e executor.Event) { fmt.Println(e.Version, e.Statement, e.State) },
	})
	if err != nil {
		childFailed(err)
	}
	os.Exit(0)
}

func childFailed(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
