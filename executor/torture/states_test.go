package torture_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// bench is a database with a target on it.
type bench struct {
	executor.Target

	t       *testing.T
	product product
	url     string
	db      *sql.DB
}

// urlOf is the bench's URL, and the database's name.
func urlOf(b *bench) (u *url.URL, name string) {
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	return u, strings.TrimPrefix(u.Path, "/")
}

func newBench(t *testing.T, p product) *bench {
	t.Helper()
	return benchAt(t, p, p.bad.database(t))
}

func benchAt(t *testing.T, p product, address string) *bench {
	t.Helper()
	db, err := p.connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &bench{p.open(address), t, p, address, db}
}

// exec runs statements past the engine. "ledger." is where its tables are.
func (b *bench) exec(statements ...string) {
	b.t.Helper()
	for _, sql := range statements {
		sql = strings.ReplaceAll(sql, "ledger.", b.product.ledger.prefix)
		if _, err := b.db.ExecContext(b.t.Context(), sql); err != nil {
			b.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (b *bench) number(query string) (n int) {
	b.t.Helper()
	if err := b.db.QueryRowContext(b.t.Context(), strings.ReplaceAll(query, "ledger.", b.product.ledger.prefix)).Scan(&n); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// folder makes migrations 1, 2 … of texts.
func (b *bench) folder(texts ...string) []executor.Migration {
	s := story{}
	for _, text := range texts {
		f := file{}
		f.migration.SQL = text
		f.finish(len(s.files)+1, b.product)
		s.files = append(s.files, f)
	}
	return s.migrations()
}

// wants checks an error's code and words.
func (b *bench) wants(err error, code fault.Code, says ...string) {
	b.t.Helper()
	text := fmt.Sprint(err)
	if failed, ok := errors.AsType[*executor.Failure](err); ok {
		text += " — " + failed.Hint
	}
	b.t.Log(text)
	if fault.CodeOf(err) != code {
		b.t.Errorf("the code is %s, want %s", fault.CodeOf(err), code)
	}
	for _, want := range says {
		if !strings.Contains(text, want) {
			b.t.Errorf("the message lacks %q", want)
		}
	}
}

// everyProduct runs a test on all of them.
func everyProduct(t *testing.T, test func(t *testing.T, p product)) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

const stepwise = "-- shipsql: transaction=off\n"

// halfWay applies two files, and of a third the first two statements.
func (b *bench) halfWay() []executor.Migration {
	b.t.Helper()
	folder := b.folder(
		"CREATE TABLE a (n int);\n",
		"INSERT INTO a VALUES (1);\n",
		stepwise+"UPDATE a SET n = n + 10;\nCREATE TABLE b (n int);\nINSERT INTO nowhere VALUES (1);\n",
		"INSERT INTO a VALUES (4);\n",
	)
	_, err := b.Apply(b.t.Context(), executor.Run{Migrations: folder[:3], Folder: folder})
	var failed *executor.Failure
	if !errors.As(err, &failed) || failed.Statement != 3 || failed.Version != "3" {
		b.t.Fatalf("the third file: %v", err)
	}
	return folder
}

// spoiled are ledgers that somebody wrote to, and what ShipSQL says about them.
var spoiled = []struct {
	name  string
	spoil []string
	code  fault.Code
	says  []string
}{
	{"a row is gone", []string{"DELETE FROM ledger.migrations WHERE version = '2'", "DELETE FROM ledger.steps WHERE version = '2'"}, fault.Conflict, []string{"lacks", "2_story.sql", "migrate baseline --to 2"}},
	{"a row is gone, and its steps are not", []string{"DELETE FROM ledger.migrations WHERE version = '3'"}, fault.Conflict, []string{"step 3#", "lacks the migration", "backup"}},
	{"another checksum", []string{"UPDATE ledger.migrations SET checksum = 'edited' WHERE version = '2'"}, fault.ChangedAfterApply, []string{"2_story.sql", "put the old text back"}},
	{"an unheard-of state", []string{"UPDATE ledger.migrations SET state = 'finished' WHERE version = '2'"}, fault.Conflict, []string{"version 2", `"finished"`, "backup"}},
	{"ambiguous without a step", []string{"UPDATE ledger.migrations SET state = 'ambiguous' WHERE version = '3'"}, fault.Conflict, []string{"version 3", "none of its steps is", "backup"}},
	{"a step is gone", []string{"DELETE FROM ledger.steps WHERE version = '3' AND n = 1"}, fault.Conflict, []string{"version 3", "step 1 ", "backup"}},
	{"a step of another text", []string{"UPDATE ledger.steps SET stmt_hash = 'edited' WHERE version = '3' AND n = 1"}, fault.ChangedAfterApply, []string{"3_story.sql:2", "statement 1"}},
	{"a step of an unheard-of state", []string{"UPDATE ledger.steps SET state = 'finished' WHERE version = '3' AND n = 1"}, fault.Conflict, []string{"3#1", `"finished"`, "backup"}},
	{"a step too many", []string{"UPDATE ledger.steps SET n = 9 WHERE version = '3' AND n = 2"}, fault.Conflict, []string{"version 3", "step 2 ", "backup"}},
	{"the format of a later version", []string{"UPDATE ledger.meta SET format = 99"}, fault.Unsupported, []string{"format 99", "newer ShipSQL"}},
	{"no format", []string{"DELETE FROM ledger.meta"}, fault.Conflict, []string{"meta", "empty", "restore"}},
	{"a table is gone", []string{"DROP TABLE ledger.steps"}, fault.Conflict, []string{"ledger", "steps", "backup"}},
	{"a column is gone", []string{"ALTER TABLE ledger.migrations DROP COLUMN checksum"}, fault.Conflict, []string{"ledger", "checksum", "backup"}},
}

func TestAHandEditedLedger(t *testing.T) {
	everyProduct(t, func(t *testing.T, p product) {
		for _, s := range spoiled {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p)
				folder := b.halfWay()
				b.exec(s.spoil...)
				_, err := b.Apply(t.Context(), executor.Run{Migrations: folder[2:], Folder: folder})
				if s.name == "another checksum" { // of a file that the run doesn't bring
					_, err = b.Apply(t.Context(), executor.Run{Migrations: folder, Folder: folder})
				}
				b.wants(err, s.code, s.says...)
				if n := b.number("SELECT n FROM a"); n != 11 {
					t.Errorf("the run went on: n is %d", n)
				}
			})
		}
	})
}

func TestARestoredBackup(t *testing.T) {
	everyProduct(t, func(t *testing.T, p product) {
		t.Run("older than the release", func(t *testing.T) {
			b := newBench(t, p)
			folder := b.folder("CREATE TABLE a (n int);\n", "CREATE TABLE b (n int);\n", "CREATE TABLE c (n int);\n")
			if _, err := b.Apply(t.Context(), executor.Run{Migrations: folder[:1], Folder: folder}); err != nil {
				t.Fatal(err)
			}
			_, err := b.Apply(t.Context(), executor.Run{Migrations: folder[2:], Folder: folder})
			b.wants(err, fault.Conflict, "lacks 1 older", "2_story.sql", "migrate up --to 2")
		})
		t.Run("newer than the folder", func(t *testing.T) {
			b := newBench(t, p)
			folder := b.folder("CREATE TABLE a (n int);\n", "CREATE TABLE b (n int);\n", "CREATE TABLE c (n int);\n")
			if _, err := b.Apply(t.Context(), executor.Run{Migrations: folder}); err != nil {
				t.Fatal(err)
			}
			older := folder[:1]
			if _, err := b.Apply(t.Context(), executor.Run{Migrations: older, Folder: older}); err != nil {
				t.Errorf("nothing is pending: %v", err)
			}
			entries, err := b.Status(t.Context(), "", older)
			if err != nil || len(entries) != 3 || entries[1].State != executor.StateMissing || entries[2].State != executor.StateMissing {
				t.Errorf("status %+v, %v", entries, err)
			}
			late := folder[1]
			late.Version, late.Path = "1.5", "1.5_late.sql"
			_, err = b.Apply(t.Context(), executor.Run{Migrations: []executor.Migration{late}})
			b.wants(err, fault.OutOfOrder, "1.5_late.sql", "below 3")
		})
		t.Run("while a run goes on", func(t *testing.T) {
			b := newBench(t, p)
			folder := b.folder("CREATE TABLE a (n int);\n", "CREATE TABLE b (n int);\n")
			_, err := b.Apply(t.Context(), executor.Run{Migrations: folder, Progress: func(e executor.Event) {
				if e.State == executor.EventApplied && e.Version == "1" {
					b.exec("UPDATE ledger.meta SET epoch = 0")
				}
			}})
			b.wants(err, fault.Conflict, "took the database over")
		})
	})
}

func TestAReplica(t *testing.T) {
	everyProduct(t, func(t *testing.T, p product) {
		b := benchAt(t, p, p.bad.replica(t))
		_, err := b.Apply(t.Context(), executor.Run{Migrations: b.folder("CREATE TABLE a (n int);\n")})
		b.wants(err, fault.Conflict, "primary")
	})
}

// TestMissingGrants is about a login that may read, and a table it may not write.
func TestMissingGrants(t *testing.T) {
	everyProduct(t, func(t *testing.T, p product) {
		t.Run("for the ledger", func(t *testing.T) {
			b := newBench(t, p)
			poor := benchAt(t, p, p.bad.login(b))
			_, err := poor.Apply(t.Context(), executor.Run{Migrations: b.folder("CREATE TABLE a (n int);\n")})
			b.wants(err, fault.Denied, "GRANT ")
		})
		t.Run("for a file", func(t *testing.T) {
			b := newBench(t, p)
			address := p.bad.login(b)
			b.exec("CREATE TABLE theirs (n int)")
			p.bad.grants(b)
			poor := benchAt(t, p, address)
			_, err := poor.Apply(t.Context(), executor.Run{Migrations: b.folder("INSERT INTO theirs VALUES (1);\n")})
			b.wants(err, fault.SQLError, "1_story.sql:1", "theirs", "denied", "the login")
		})
	})
}

func TestAFullDisk(t *testing.T) {
	everyProduct(t, func(t *testing.T, p product) {
		address, fill := p.bad.full(t)
		b := benchAt(t, p, address)
		folder := b.folder("CREATE TABLE a (n int);\n", fill)
		_, err := b.Apply(t.Context(), executor.Run{Migrations: folder})
		b.wants(err, fault.SQLError, "2_story.sql", "statement", "disk", " again")
		entries, err := b.Status(t.Context(), "", folder)
		if err != nil || entries[0].State != executor.StateApplied || entries[1].State == executor.StateApplied {
			t.Errorf("status %+v, %v", entries, err)
		}
	})
}
