package mysql_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
)

func inspect(t *testing.T, url string) (executor.Inspection, error) {
	t.Helper()
	return mysql.New(syntax.MariaDB).(executor.Inspector).Inspect(t.Context(), secret.Literal(url))
}

func mustInspect(t *testing.T, url string) executor.Inspection {
	t.Helper()
	found, err := inspect(t, url)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// login makes a user who may do nothing but log in to the bench's database, and
// returns the URL with it.
func (b *bench) login(grants ...string) (name, text string) {
	b.t.Helper()
	name = "login_" + strings.ToLower(rand.Text()[:12])
	b.exec("CREATE USER " + name + "@'%' IDENTIFIED BY 'made-up'")
	b.t.Cleanup(func() {
		if _, err := b.db.ExecContext(context.Background(), "DROP USER "+name); err != nil {
			b.t.Error(err)
		}
	})
	for _, g := range grants {
		b.exec(g + " TO " + name + "@'%'")
	}
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	u.User = url.UserPassword(name, "made-up")
	return name, u.String()
}

// grant begins a GRANT on all tables of a pattern of databases.
func grant(privileges, pattern string) string {
	return "GRANT " + privileges + " ON `" + pattern + "`.*"
}

func TestInspectOfAServerThatIsReady(t *testing.T) {
	b := newBench(t)
	got := mustInspect(t, b.url)
	if !strings.HasPrefix(got.Product, "MariaDB 1") || got.Ahead.Abs() > time.Second {
		t.Errorf("%+v", got)
	}
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	want := executor.Inspection{
		Product: got.Product, Ahead: got.Ahead, Login: u.User.Username() + "@%", Database: strings.TrimPrefix(u.Path, "/"),
		Transport: executor.TransportLocal, Writes: []string{"everything on the server"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.mustApply(map[string]string{"1_a.sql": "create table a(id int)"})
	if got := mustInspect(t, b.url); got.Ledger != 1 || got.LedgerBad != "" {
		t.Errorf("with a ledger: %+v", got)
	}
	b.exec("UPDATE shipsql_meta SET format = 99")
	if got := mustInspect(t, b.url); !strings.Contains(got.LedgerBad, "format 99") {
		t.Errorf("with a newer ledger: %+v", got)
	}
}

// The statements that it prints give what it found lacking.
func TestInspectPrintsTheGrantsThatHelp(t *testing.T) {
	b := newBench(t)
	database := mustInspect(t, b.url).Database
	_, text := b.login(grant("SELECT", database))
	found := mustInspect(t, text)
	var lacks []string
	for _, p := range found.Lacks {
		lacks = append(lacks, p.What)
		if len(p.Grant) != 1 {
			t.Fatalf("%+v", p)
		}
	}
	want := []string{
		"read and write rows in the database " + database, "create, change and drop tables in the database " + database,
		"make foreign keys in the database " + database, "make views in the database " + database, "make triggers in the database " + database,
		"make and call stored routines in the database " + database, "make events in the database " + database,
		"make scratch databases (shipsql_scratch_…)",
	}
	if diff := cmp.Diff(want, lacks); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(found.Lacks[0].Grant[0], "GRANT INSERT, UPDATE, DELETE ON `") {
		t.Errorf("asks for what is there: %s", found.Lacks[0].Grant[0])
	}
	if len(found.Writes) != 0 {
		t.Errorf("a login that may read may %v", found.Writes)
	}
	for _, p := range found.Lacks {
		b.exec(p.Grant[0])
	}
	if found = mustInspect(t, text); len(found.Lacks) != 0 || len(found.Writes) != 1 {
		t.Errorf("granted all, it lacks %v and may %v", found.Lacks, found.Writes)
	}
	other := &bench{openTarget(text), t, text, b.db}
	other.mustApply(map[string]string{"1_a.sql": "CREATE TABLE a (id INT PRIMARY KEY); CREATE VIEW v AS SELECT id FROM a; INSERT INTO a VALUES (1)"})
}

func TestInspectReadsGrantsOfRolesTablesAndPatterns(t *testing.T) {
	b := newBench(t)
	database := mustInspect(t, b.url).Database
	b.exec("CREATE TABLE some (id INT, n INT)")
	all := "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX"
	for name, c := range map[string]struct {
		grants []string
		needed int
		writes string
	}{
		"all":     {[]string{"GRANT ALL ON *.*"}, 0, "everything on the server"},
		"pattern": {[]string{"GRANT " + all + " ON `" + database[:len(database)-1] + "%`.*"}, 0, "INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX in the database"},
		"other":   {[]string{"GRANT " + all + " ON `x" + database + "`.*", "GRANT USAGE ON *.*", grant("SELECT", database)}, 2, ""},
		"columns": {[]string{"GRANT SELECT (id), UPDATE (n, id) ON `" + database + "`.some"}, 2, "UPDATE in the table some"},
	} {
		_, text := b.login(c.grants...)
		found := mustInspect(t, text)
		needed := 0
		for _, p := range found.Lacks {
			if p.Needed {
				needed++
			}
		}
		if got := strings.Join(found.Writes, "; "); needed != c.needed || got != c.writes {
			t.Errorf("%s: %d needed privileges lack, want %d; may %q, want %q", name, needed, c.needed, got, c.writes)
		}
	}
	name, text := b.login(grant("SELECT", database))
	role := "role_" + name
	b.exec("CREATE ROLE " + role)
	t.Cleanup(func() { _, _ = b.db.ExecContext(context.Background(), "DROP ROLE "+role) })
	b.exec("GRANT " + all + " ON `" + database + "`.* TO " + role)
	b.exec("GRANT " + role + " TO " + name + "@'%'")
	b.exec("SET DEFAULT ROLE " + role + " FOR " + name + "@'%'")
	for _, p := range mustInspect(t, text).Lacks {
		if p.Needed {
			t.Errorf("the default role's privileges are overlooked: %+v", p)
		}
	}
}

func TestInspectTellsWhatTheServerDoesToMigrations(t *testing.T) {
	server := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{
		"sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "default_storage_engine": "Aria", "log_bin": "binlog", "read_only": "1",
	}})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	found := mustInspect(t, server.SocketURL("app"))
	var what []string
	for _, o := range found.Obstacles {
		what = append(what, o.What)
		if o.Final || o.Why == "" || o.Fix == "" {
			t.Errorf("%+v", o)
		}
	}
	want := []string{
		"its sql_mode is not strict", "its sql_mode has NO_BACKSLASH_ESCAPES", "its sql_mode has ANSI_QUOTES", "its default storage engine is Aria",
		"log_bin_trust_function_creators is off while the binary log is on",
	}
	if diff := cmp.Diff(want, what); diff != "" {
		t.Error(diff)
	}
	if !found.ReadOnly || found.Replica || found.Transport != executor.TransportLocal {
		t.Errorf("%+v", found)
	}
}

func TestInspectTellsWhoHasTheLock(t *testing.T) {
	b := newBench(t)
	if held := mustInspect(t, b.url).LockHeldBy; held != "" {
		t.Errorf("a free lock is held by %s", held)
	}
	holder, err := b.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	if _, err := holder.ExecContext(t.Context(), "DO GET_LOCK(concat('shipsql/', database()), 0)"); err != nil {
		t.Fatal(err)
	}
	if held := mustInspect(t, b.url).LockHeldBy; !strings.Contains(held, "connection") {
		t.Errorf("the lock is held by %q", held)
	}
}

func TestInspectOfWhatCantBeHad(t *testing.T) {
	b := newBench(t)
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("nobody", "secret-word")
	if _, err := inspect(t, u.String()); fault.CodeOf(err) != fault.Denied || strings.Contains(err.Error(), "secret-word") {
		t.Errorf("a wrong login: %v", err)
	}
	if _, err := inspect(t, "mariadb://u:p@127.0.0.1:1/x"); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("nobody there: %v", err)
	}
}
