package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

// parser is shared by the tests of this process.
var parser = syntax.NewParser(syntax.Options{})

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if url := os.Getenv(childURL); url != "" {
		child(url)
	}
	code := m.Run()
	_ = parser.Close()
	os.Exit(code)
}

// bench is a database with a target on it.
type bench struct {
	executor.Target

	t    testing.TB
	url  string
	conn *pgx.Conn // of the test's own
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return benchAt(t, privateserver.Database(t))
}

func benchAt(t testing.TB, url string) *bench {
	t.Helper()
	return &bench{openTarget(url), t, url, connect(t, url)}
}

func openTarget(url string) executor.Target {
	return postgres.New(parser).Open(secret.Literal(url))
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// load makes migrations of "path" → text, in the native layout.
func load(t testing.TB, files map[string]string) []executor.Migration {
	t.Helper()
	var all []executor.File
	for path, text := range files {
		all = append(all, executor.File{Path: path, Content: []byte(text)})
	}
	folder, err := layout.Load(all, layout.Options{Name: layout.Native})
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
		b.t.Fatal(err)
	}
	return result
}

func (b *bench) exec(sql string) {
	b.t.Helper()
	if _, err := b.conn.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// query returns a query's rows, columns joined by |, rows by a line end.
func (b *bench) query(sql string) string {
	b.t.Helper()
	rows, err := b.conn.Query(b.t.Context(), sql)
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = fmt.Sprint(v)
		}
		return strings.Join(text, "|"), err
	})
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, "\n")
}

func (b *bench) want(sql, want string) {
	b.t.Helper()
	if got := b.query(sql); got != want {
		b.t.Errorf("%s = %q, want %q", sql, got, want)
	}
}

// await waits until a condition holds: a session that was closed is gone a moment
// later.
func (b *bench) await(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); b.query("select ("+condition+")::text") != "true"; {
		if time.Now().After(deadline) {
			b.t.Fatalf("never: %s", condition)
		}
		time.Sleep(5 * time.Millisecond)
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

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
