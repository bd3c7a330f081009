package enginetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/secret"
)

var (
	// Quick are limits that give locks up soon.
	Quick = executor.Limits{LockTimeout: 100 * time.Millisecond, LockRetryFor: 500 * time.Millisecond}
	// Patient are limits for what is broken, or raced for, meanwhile.
	Patient = executor.Limits{LockRetryFor: time.Minute}
	// Unhurried lets statements wait for locks for as long as a test needs.
	Unhurried = executor.Limits{LockTimeout: 2 * time.Minute}
)

// Bench is a database with a target on it.
type Bench struct {
	executor.Target

	URL string
	DB  *sql.DB // of the test's own; Exec and Query use one session of it

	tb      testing.TB
	engine  Engine
	session *sql.Conn
}

// NewBench makes an empty database.
func (e Engine) NewBench(tb testing.TB) *Bench {
	tb.Helper()
	return e.BenchAt(tb, e.Database(tb))
}

// BenchAt uses the database of a URL.
func (e Engine) BenchAt(tb testing.TB, url string) *Bench {
	tb.Helper()
	db := e.Connect(tb, url)
	tb.Cleanup(func() { _ = db.Close() })
	b := &Bench{Target: e.Open(secret.Literal(url)), URL: url, DB: db, tb: tb, engine: e}
	b.session = b.Session()
	return b
}

// In is the same bench in a subtest.
func (b *Bench) In(tb testing.TB) *Bench {
	in := *b
	in.tb = tb
	return &in
}

// Load makes migrations of "path" → text, in the native layout.
func (e Engine) Load(tb testing.TB, files map[string]string) []executor.Migration {
	tb.Helper()
	return e.loadAs(tb, layout.Native, files)
}

func (e Engine) loadAs(tb testing.TB, name string, files map[string]string) []executor.Migration {
	tb.Helper()
	var all []executor.File
	for path, text := range files {
		all = append(all, executor.File{Path: path, Content: []byte(text)})
	}
	folder, err := layout.Load(all, layout.Options{Name: name, Dialect: e.Dialect})
	if err != nil {
		tb.Fatal(err)
	}
	return folder.Migrations
}

func (b *Bench) load(files map[string]string) []executor.Migration {
	b.tb.Helper()
	return b.engine.Load(b.tb, files)
}

// open is a target at another URL.
func (b *Bench) open(url string) executor.Target { return b.engine.Open(secret.Literal(url)) }

// ApplyFiles applies a folder and gives locks up soon.
func (b *Bench) ApplyFiles(files map[string]string) (executor.Result, error) {
	b.tb.Helper()
	return b.Apply(b.tb.Context(), executor.Run{Migrations: b.load(files), Limits: Quick})
}

// MustApply applies a folder, or ends the test.
func (b *Bench) MustApply(files map[string]string) executor.Result {
	b.tb.Helper()
	result, err := b.ApplyFiles(files)
	if err != nil {
		b.tb.Fatal(Explain(err))
	}
	return result
}

// mustRun applies what a run says, or ends the test.
func (b *Bench) mustRun(run executor.Run) executor.Result {
	b.tb.Helper()
	result, err := b.Apply(b.tb.Context(), run)
	if err != nil {
		b.tb.Fatal(Explain(err))
	}
	return result
}

// Explain shows a failure's detail and hint, too.
func Explain(err error) string {
	if failure, ok := errors.AsType[*executor.Failure](err); ok {
		return fmt.Sprintf("%v (%s; %s)", err, failure.Detail, failure.Hint)
	}
	return fmt.Sprint(err)
}

// Session connects once more.
func (b *Bench) Session(statements ...string) *sql.Conn {
	b.tb.Helper()
	conn, err := b.DB.Conn(b.tb.Context())
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() { _ = conn.Close() })
	b.On(conn, statements...)
	return conn
}

// On runs statements on a session.
func (b *Bench) On(conn *sql.Conn, statements ...string) {
	b.tb.Helper()
	for _, text := range statements {
		if _, err := conn.ExecContext(b.tb.Context(), text); err != nil {
			b.tb.Fatalf("%s: %v", text, err)
		}
	}
}

// Eventually waits until something holds: a session that was closed is gone a
// moment later.
func (b *Bench) Eventually(what string, holds func() bool) {
	b.tb.Helper()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			b.tb.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Exec runs statements on the bench's session.
func (b *Bench) Exec(statements ...string) {
	b.tb.Helper()
	b.On(b.session, statements...)
}

// AtTheEnd removes what would stay behind when the test's context is over.
func (b *Bench) AtTheEnd(statements string) {
	if _, err := b.session.ExecContext(context.Background(), statements); err != nil {
		b.tb.Errorf("%s: %v", statements, err)
	}
}

// Query returns a query's rows, columns joined by |, rows by a line end.
func (b *Bench) Query(text string) string {
	b.tb.Helper()
	rows, err := b.session.QueryContext(b.tb.Context(), text)
	if err != nil {
		b.tb.Fatalf("%s: %v", text, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	columns, err := rows.Columns()
	if err != nil {
		b.tb.Fatal(err)
	}
	values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			b.tb.Fatal(err)
		}
		lines = append(lines, joined(values))
	}
	if err := rows.Err(); err != nil {
		b.tb.Fatalf("%s: %v", text, err)
	}
	return strings.Join(lines, "\n")
}

func joined(values []sql.NullString) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = v.String
		if !v.Valid {
			words[i] = "NULL"
		}
	}
	return strings.Join(words, "|")
}

// Want fails the test when a query answers something else.
func (b *Bench) Want(text, want string) {
	b.tb.Helper()
	if got := b.Query(text); got != want {
		b.tb.Errorf("%s = %q, want %q", text, got, want)
	}
}

// WantTable says whether there should be a table.
func (b *Bench) WantTable(name string, there bool) {
	b.tb.Helper()
	_, err := b.DB.ExecContext(b.tb.Context(), "select count(*) from "+name) //nolint:gosec // a name of ours
	if (err == nil) != there {
		b.tb.Errorf("table %s is there: %t (%v)", name, err == nil, err)
	}
}

// ledger is the name of a table of the ledger.
func (b *Bench) ledger(table string) string { return b.engine.SQL.Ledger + table }

// wantRows is what the ledger should hold of each migration, by version.
func (b *Bench) wantRows(columns, want string) {
	b.tb.Helper()
	b.Want("select "+columns+" from "+b.ledger("migrations")+" order by version", want)
}

// wantNoSteps wants no step of a migration to be on record.
func (b *Bench) wantNoSteps() {
	b.tb.Helper()
	b.Want("select count(*) from "+b.ledger("steps"), "0")
}

// States is the ledger joined with the folder, as "version state done/total".
func (b *Bench) States(files map[string]string) string {
	b.tb.Helper()
	var lines []string
	for _, e := range b.entries(b.load(files)) {
		lines = append(lines, fmt.Sprintf("%s %s %d/%d", e.Version, e.State, e.Done, e.Total))
	}
	return strings.Join(lines, "\n")
}

func (b *Bench) entries(folder []executor.Migration) []executor.Entry {
	b.tb.Helper()
	entries, err := b.Status(b.tb.Context(), "", folder)
	if err != nil {
		b.tb.Fatal(err)
	}
	return entries
}

// WantStates fails the test when the ledger joined with the folder is otherwise.
func (b *Bench) WantStates(files map[string]string, want string) {
	b.tb.Helper()
	if got := b.States(files); got != want {
		b.tb.Errorf("status %q, want %q", got, want)
	}
}

// Login makes a login that may do nothing, and returns its name and the URL with
// it.
func (b *Bench) Login() (name, url string) {
	b.tb.Helper()
	name = "login_" + strings.ToLower(rand.Text()[:12])
	b.Exec(named(b.engine.SQL.Login, name))
	b.tb.Cleanup(func() { b.AtTheEnd(named(b.engine.SQL.DropLogin, name)) })
	return name, b.As(name, "made-up")
}

func named(text, name string) string { return strings.ReplaceAll(text, "NAME", name) }

// As is the bench's URL with another login.
func (b *Bench) As(name, password string) string {
	return b.edited(func(u *url.URL) { u.User = url.UserPassword(name, password) })
}

// edited is the bench's URL after an edit.
func (b *Bench) edited(edit func(*url.URL)) string {
	b.tb.Helper()
	u, err := url.Parse(b.URL)
	if err != nil {
		b.tb.Fatal(err)
	}
	edit(u)
	return u.String()
}

// BehindProxy returns a proxy before the server, and the URL through it.
func (b *Bench) BehindProxy() (*faultproxy.Proxy, string) {
	b.tb.Helper()
	var p *faultproxy.Proxy
	through := b.edited(func(u *url.URL) {
		var err error
		if p, err = faultproxy.Start(u.Host); err != nil {
			b.tb.Fatal(err)
		}
		u.Host = p.Addr()
	})
	b.tb.Cleanup(func() { _ = p.Close() })
	return p, through
}
