package mysql_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

func TestServersThatCannotTakeMigrations(t *testing.T) {
	good := func(edits ...string) map[string]string {
		f := map[string]string{"version": "10.11.6-MariaDB-0+deb12u1", "read_only": "OFF", "innodb_read_only": "OFF", "wsrep_on": "OFF"}
		for i := 0; i < len(edits); i += 2 {
			f[edits[i]] = edits[i+1]
		}
		return f
	}
	for name, c := range map[string]struct {
		facts map[string]string
		code  fault.Code
		says  string
	}{
		"MariaDB":              {good(), "", ""},
		"the newest MariaDB":   {good("version", "12.0.2-MariaDB"), "", ""},
		"MySQL":                {map[string]string{"version": "8.4.3", "version_comment": "MySQL Community Server - GPL", "super_read_only": "OFF", "read_only": "OFF"}, "", ""},
		"an old MariaDB":       {good("version", "10.5.29-MariaDB"), fault.Unsupported, "upgrade"},
		"an old MySQL":         {good("version", "5.7.44-log"), fault.Unsupported, "upgrade"},
		"a replica":            {good("read_only", "ON"), fault.Conflict, "primary"},
		"a MariaDB 12 replica": {good("read_only", "NO_LOCK_NO_ADMIN"), fault.Conflict, "primary"},
		"a group's secondary":  {good("super_read_only", "ON"), fault.Conflict, "primary"},
		"Galera":               {good("wsrep_on", "ON"), fault.Unsupported, "Galera"},
	} {
		err := mysql.Refuse(c.facts)
		if fault.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Behind one name there may be another server from one moment to the next.
func TestADatabaseThatMovesDuringARunStopsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true})
	u, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.CreateDatabase(t.Context(), strings.TrimPrefix(u.Path, "/")); err != nil {
		t.Fatal(err)
	}
	there := benchAt(t, other.URL(strings.TrimPrefix(u.Path, "/")))
	proxy, through := b.BehindProxy()
	file := filepath.Join(t.TempDir(), "url")
	write := func(url string) {
		if err := os.WriteFile(file, []byte(url), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(through)
	proxy.Arm(&faultproxy.Cut{When: faultproxy.After, Match: func(_ int, chunk []byte) bool { return bytes.Contains(chunk, []byte("create table b")) }})
	target := mysql.New(syntax.MariaDB).Open(secret.Parse("file:"+file, ""))
	run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}), Progress: func(e executor.Event) {
		if e.State == executor.EventRetrying {
			write(there.URL)
		}
	}}
	_, err = target.Apply(t.Context(), run)
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "another server") {
		t.Fatalf("error %v", err)
	}
	there.WantTable("b", false)
	write(b.URL)
	if _, err := target.Apply(t.Context(), run); err != nil {
		t.Fatal(explain(err))
	}
	b.WantTable("b", true)
}

func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"mysql://u:hunter2-x@h:3306/d?tls=true", "mariadb://h/d?socket=/x&tls=preferred", "mysql://u:hunter2-x@[::1/d", "mysql:///d?socket=%", "mysql://u@h/d/e?tls=maybe&tls_ca=/nowhere",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := mysql.ParseURL(text)
		if err != nil && (fault.CodeOf(err) != fault.Invalid || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
