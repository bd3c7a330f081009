package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// goldenSite unpacks a golden repository of executor/history and loads the
// tool's documented table, half-way through it, into a product's database.
func goldenSite(t *testing.T, product, name string) site {
	t.Helper()
	s := goldenFolder(t, product, name)
	file := map[string]string{"postgres": "postgres.sql", "mariadb": "mysql.sql"}[product]
	for _, f := range goldenArchive(t, name).Files {
		if f.Name == file {
			byHand(t, s.url, string(f.Data))
		}
	}
	return s
}

// goldenFolder is the repository alone, with an empty database.
func goldenFolder(t *testing.T, product, name string) site {
	t.Helper()
	s := site{t, products[product](t), t.TempDir()}
	for _, f := range goldenArchive(t, name).Files {
		switch f.Name {
		case "postgres.sql", "mysql.sql", "want":
		default:
			if err := os.MkdirAll(filepath.Dir(filepath.Join(s.dir, f.Name)), 0o700); err != nil {
				t.Fatal(err)
			}
			s.write(f.Name, string(f.Data))
		}
	}
	return s
}

func goldenArchive(t *testing.T, name string) *txtar.Archive {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("..", "..", "executor", "history", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// shownTables are what the first half of each golden repository has made.
const shownTables = "create table users (id integer not null primary key); create table orders (id integer not null primary key, note varchar(20));"

// TestAdoptHalfWay takes over from each tool: what it applied is not run again,
// and what it lacks is.
func TestAdoptHalfWay(t *testing.T) {
	for name, c := range map[string]struct {
		writes, pending int
	}{
		"flyway": {3, 2}, "flyway-legacy": {2, 1}, "golang-migrate": {2, 1}, "goose": {2, 1}, "dbmate": {2, 1},
		"atlas": {2, 1}, "prisma": {2, 1}, "sqlx": {2, 1}, "liquibase-sql": {3, 2},
	} {
		both(t, name, func(t *testing.T, product string) {
			s := goldenSite(t, product, name)
			byHand(t, s.url, shownTables)
			layout, _, _ := strings.Cut(name, "-legacy")
			adopt := "adopt --layout " + layout + " --format json"

			plan := s.adopted(s.run(adopt, exitFail, "", "add --yes"))
			if plan.Written || plan.Writes != c.writes || plan.Counts.Pending != c.pending || plan.Tool != layout {
				t.Errorf("the plan: %+v", plan)
			}
			s.run("status --layout "+layout+" --format json", exitOK, `"summary":{"pending":`, "")

			did := s.adopted(s.run(adopt+" --yes --reason moving", exitOK, "", ""))
			if !did.Written || did.Writes != c.writes {
				t.Errorf("written: %+v", did)
			}
			again := s.adopted(s.run(adopt+" --yes", exitOK, "", ""))
			if again.Written || again.Writes != 0 {
				t.Errorf("again: %+v", again)
			}
			if slices.Contains([]string{"liquibase-sql", "flyway"}, name) {
				return // their pending files want what the golden tables have not
			}
			s.run("up --layout "+layout, exitOK, "1 applied, ", "")
			s.run("up --layout "+layout, exitOK, "0 applied, ", "")
		})
	}
}

// both runs a test on each product.
func both(t *testing.T, name string, f func(t *testing.T, product string)) {
	for product := range products {
		t.Run(name+"/"+product, func(t *testing.T) { f(t, product) })
	}
}

func (s site) adopted(text string) (r adoptReport) {
	s.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		s.Fatalf("%v: %s", err, text)
	}
	return r
}

func TestAdoptShowsWhatItWillWrite(t *testing.T) {
	s := goldenSite(t, "postgres", "flyway")
	got := strings.ReplaceAll(s.run("adopt", exitFail, "", "nothing was written; read the lists, then add --yes"), s.dir, "DIR")
	got = regexp.MustCompile(` *(  |\n)`).ReplaceAllString(got, "$1") // columns as wide as the folder's name
	want := `history of flyway: public.flyway_schema_history; layout flyway (5 of 5 files are named like V1__x.sql or R__x.sql)
STATE  VERSION  FILE  WHY
applied  1  DIR/V1__users.sql
changed  1.5  DIR/V1.5__orders.sql  the text is not the one that flyway applied: its checksum is another
pending  2  DIR/V2__name.sql
pending  R__ids  DIR/R__ids.sql
applied  R__names  DIR/R__names.sql
no file  1.7  db.migration.V1_7__java  Flyway ran it as JDBC, not as SQL
2 applied as they are, 1 changed since, 0 unproven, 2 pending; 1 recorded without a file
would write 3 baseline rows to the ledger, history default: the applied, changed and unproven files above, but for those it has; public.flyway_schema_history is left as it is
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAdoptSaysWhatIsLate: goose was let to leave a version out.
func TestAdoptSaysWhatIsLate(t *testing.T) {
	s := goldenSite(t, "postgres", "goose")
	byHand(t, s.url, "delete from goose_db_version where version_id = 1; "+shownTables)
	s.run("adopt --yes", exitOK, "1 pending files are below the newest applied one: migrate up wants --out-of-order for them", "")
	s.run("up", exitFail, "", "--out-of-order")
}

func TestAdoptRefusesAnotherLedger(t *testing.T) {
	s := goldenSite(t, "postgres", "goose")
	s.run("skip 1 --reason no", exitOK, "", "")
	s.run("adopt --yes", exitFail, "", "00001_users.sql: the other tool calls version 00001 applied, and the ledger skipped")
	s.run("adopt --yes --table no_such", exitFail, "", "looked for no_such; name its table with --table")
	s.run("adopt --format json", exitFail, `"error":{"code":"conflict"`, "")
}
