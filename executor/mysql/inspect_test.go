package mysql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
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

// granted is a login with grants.
func (b *bench) granted(grants ...string) (name, url string) {
	b.t.Helper()
	name, url = b.Login()
	for _, g := range grants {
		b.Exec(g + " TO " + name)
	}
	return name, url
}

// grant begins a GRANT on all tables of a pattern of databases.
func grant(privileges, pattern string) string {
	return "GRANT " + privileges + " ON `" + pattern + "`.*"
}

// The statements that it prints give what it found lacking.
func TestInspectPrintsTheGrantsThatHelp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	database := mustInspect(t, b.URL).Database
	_, text := b.granted(grant("SELECT", database))
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
		b.Exec(p.Grant[0])
	}
	if found = mustInspect(t, text); len(found.Lacks) != 0 || len(found.Writes) != 1 {
		t.Errorf("granted all, it lacks %v and may %v", found.Lacks, found.Writes)
	}
}

func TestInspectReadsGrantsOfRolesTablesAndPatterns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	database := mustInspect(t, b.URL).Database
	b.Exec("CREATE TABLE some (id INT, n INT)")
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
		_, text := b.granted(c.grants...)
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
	name, text := b.granted(grant("SELECT", database))
	role := "role_" + name
	b.Exec("CREATE ROLE " + role)
	t.Cleanup(func() { _, _ = b.DB.ExecContext(context.Background(), "DROP ROLE "+role) })
	b.Exec("GRANT " + all + " ON `" + database + "`.* TO " + role)
	b.Exec("GRANT " + role + " TO " + name + "@'%'")
	b.Exec("SET DEFAULT ROLE " + role + " FOR " + name + "@'%'")
	for _, p := range mustInspect(t, text).Lacks {
		if p.Needed {
			t.Errorf("the default role's privileges are overlooked: %+v", p)
		}
	}
}

func TestInspectTellsWhatTheServerDoesToMigrations(t *testing.T) {
	t.Parallel()
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
