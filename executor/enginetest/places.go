package enginetest

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// reader is a login with the right to connect and to read the table a.
func (b *Bench) reader() (name, url string) {
	b.tb.Helper()
	b.Exec("create table a(n int)")
	name, url = b.Login()
	b.Exec(named(b.engine.SQL.Reads, name))
	return name, url
}

// cannotRun has nothing run where it can't: the error says why and what next, and
// never a password. Inspect says the same of what can't be connected.
func cannotRun(t *testing.T, b *Bench) {
	name, poor := b.reader()
	scheme, _, _ := strings.Cut(b.URL, "://")
	for what, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"nobody listens":   {b.edited(func(u *url.URL) { u.Host = "127.0.0.1:1" }), fault.Unreachable, "can't be reached"},
		"wrong password":   {b.As(name, "hunter2-hunter2"), fault.Denied, "refuses the login"},
		"no such database": {b.edited(func(u *url.URL) { u.Path = "/nowhere" }), fault.NotFound, "does not exist"},
		"no URL":           {scheme + "://u:hunter2-hunter2@[", fault.Invalid, "://user:password@host"},
		"missing grants":   {poor, fault.Denied, "GRANT "},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := b.open(c.url).Apply(t.Context(), executor.Run{Migrations: b.load(map[string]string{"1_b.sql": "create table b(n int)"})})
			wantCode(t, err, c.code, c.says)
			hidesPasswords(t, err)
			if c.url == poor { // it can be connected
				return
			}
			_, err = b.inspect(c.url)
			wantCode(t, err, c.code, c.says)
			hidesPasswords(t, err)
		})
	}
	b.WantTable("b", false)
	b.WantTable(b.ledger("meta"), false)
}

func hidesPasswords(t *testing.T, err error) {
	t.Helper()
	for _, password := range []string{"hunter2", "made-up"} {
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// A password in a file is read anew each time; a wrong one is named by its
// reference.
func rotatedPassword(t *testing.T, b *Bench) {
	name, good := b.reader()
	path := filepath.Join(t.TempDir(), "url")
	write := func(url string) {
		if err := os.WriteFile(path, []byte(url), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := b.engine.Open(secret.Parse("file:"+path, ""))
	write(b.As(name, "hunter2"))
	err := target.Ping(t.Context())
	wantCode(t, err, fault.Denied, "file:"+path)
	hidesPasswords(t, err)
	write(good)
	if err := target.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func replica(t *testing.T, b *Bench) {
	url := b.engine.Replica(t)
	_, err := b.open(url).Apply(t.Context(), executor.Run{Migrations: b.load(map[string]string{"1_a.sql": "create table a(n int)"})})
	wantCode(t, err, fault.Conflict, "primary")
	if found := b.mustInspect(url); !found.Replica && !found.ReadOnly {
		t.Errorf("%+v", found)
	}
}

func (b *Bench) inspect(url string) (executor.Inspection, error) {
	b.tb.Helper()
	inspector, ok := b.engine.Engine.(executor.Inspector)
	if !ok {
		b.tb.Fatal("the engine is no Inspector")
	}
	return inspector.Inspect(b.tb.Context(), secret.Literal(url))
}

func (b *Bench) mustInspect(url string) executor.Inspection {
	b.tb.Helper()
	found, err := b.inspect(url)
	if err != nil {
		b.tb.Fatal(err)
	}
	return found
}

func inspected(t *testing.T, b *Bench) {
	u, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	found := b.mustInspect(b.URL)
	if !strings.HasPrefix(found.Product, b.engine.Product) || found.Unsupported != "" || !strings.HasPrefix(found.Login, u.User.Username()) || found.Database != strings.TrimPrefix(u.Path, "/") ||
		found.Transport != executor.TransportLocal || found.Replica || found.ReadOnly || found.Pooler != "" || len(found.Obstacles) > 0 || len(found.Lacks) > 0 ||
		len(found.Writes) != 1 || found.LockHeldBy != "" || found.Ledger != 0 || found.LedgerBad != "" || found.Ahead.Abs() > time.Second {
		t.Errorf("%+v", found)
	}
	b.WantTable(b.ledger("meta"), false)
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	if found := b.mustInspect(b.URL); found.Ledger != 1 || found.LedgerBad != "" {
		t.Errorf("with a ledger: %+v", found)
	}
	b.Exec("update " + b.ledger("meta") + " set format = 99")
	if found := b.mustInspect(b.URL); !strings.Contains(found.LedgerBad, "format 99") {
		t.Errorf("with a newer ledger: %+v", found)
	}
}

func inspectedLock(t *testing.T, b *Bench) {
	letGo := b.holding("01TASK")
	if held := b.mustInspect(b.URL).LockHeldBy; !strings.HasPrefix(held, "shipsql/01TASK") {
		t.Errorf("held by %q", held)
	}
	letGo()
	b.Eventually("the lock is free", func() bool { return b.mustInspect(b.URL).LockHeldBy == "" })
}

func inspectedReader(t *testing.T, b *Bench) {
	name, url := b.reader()
	if writes := b.mustInspect(url).Writes; len(writes) != 0 {
		t.Errorf("a login that reads may %q", writes)
	}
	b.Exec(named(b.engine.SQL.Writes, name))
	if writes := b.mustInspect(url).Writes; len(writes) != 1 {
		t.Errorf("a login that writes may %q", writes)
	}
}

// grants gives a login what Inspect prints, and nothing else, until nothing
// lacks; then migrations apply.
func grants(t *testing.T, b *Bench) {
	_, url := b.reader()
	run := executor.Run{Migrations: b.load(map[string]string{"1_a.sql": "create table fresh(n int); create view v as select n from fresh; insert into fresh values (1)"})}
	_, err := b.open(url).Apply(t.Context(), run)
	wantCode(t, err, fault.Denied)
	for round := 0; ; round++ {
		lacks := b.mustInspect(url).Lacks
		if len(lacks) == 0 {
			break
		}
		if round == 3 {
			t.Fatalf("after %d rounds it still lacks %+v", round, lacks)
		}
		for _, p := range lacks {
			if p.What == "" || p.Why == "" {
				t.Errorf("%+v", p)
			}
			b.Exec(p.Grant...)
		}
	}
	if _, err := b.open(url).Apply(t.Context(), run); err != nil {
		t.Error(Explain(err))
	}
	b.Want("select n from v", "1")
}
