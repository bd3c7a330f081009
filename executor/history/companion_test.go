package history_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/peers"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// site is a database, with the folder of a real tool beside it.
type site struct {
	*testing.T
	server

	dialect    script.Dialect
	tool       string
	url, dir   string
	files      []executor.File
	migrations []executor.Migration
}

// peerFiles are one story in both tools' words.
var peerFiles = map[string]map[string]string{
	layout.Goose: {
		"1_a.sql":  "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n",
		"2_b.sql":  "-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n",
		"10_c.sql": "-- +goose Up\nCREATE TABLE c (id int);\n-- +goose Down\nDROP TABLE c;\n",
	},
	layout.GolangMigrate: {
		"1_a.up.sql": "CREATE TABLE a (id int);\n", "1_a.down.sql": "DROP TABLE a;\n",
		"2_b.up.sql": "CREATE TABLE b (id int);\n", "2_b.down.sql": "DROP TABLE b;\n",
		"10_c.up.sql": "CREATE TABLE c (id int);\n", "10_c.down.sql": "DROP TABLE c;\n",
	},
}

func newSite(t *testing.T, tool string, d script.Dialect) *site {
	t.Helper()
	s := &site{T: t, dialect: d, tool: tool, dir: t.TempDir()}
	if d == script.MySQL {
		s.url = privateserver.MariaDBDatabase(t)
		s.server = openMariaDB(t, s.url)
	} else {
		s.url = privateserver.Database(t)
		s.server = openPostgres(t, s.url)
	}
	for name, text := range peerFiles[tool] {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, executor.File{Path: name, Content: []byte(text)})
	}
	loaded, err := layout.Load(s.files, layout.Options{Name: tool, Dialect: d})
	if err != nil {
		t.Fatal(err)
	}
	s.migrations = loaded.Migrations
	return s
}

// peer runs the real tool.
func (s *site) peer(args ...string) string {
	s.Helper()
	var c *exec.Cmd
	switch {
	case s.tool == layout.Goose && s.dialect == script.MySQL:
		c = exec.Command(peers.Goose(s), append([]string{"-dir", s.dir, "mysql", dsn(s.url) + "?parseTime=true"}, args...)...)
	case s.tool == layout.Goose:
		c = exec.Command(peers.Goose(s), append([]string{"-dir", s.dir, "postgres", s.url}, args...)...)
	case s.dialect == script.MySQL:
		c = exec.Command(peers.GolangMigrate(s), append([]string{"-path", s.dir, "-database", "mysql://" + dsn(s.url)}, args...)...)
	default:
		c = exec.Command(peers.GolangMigrate(s), append([]string{"-path", s.dir, "-database", s.url}, args...)...)
	}
	out, err := c.CombinedOutput()
	if err != nil {
		s.Fatalf("%v %v: %v\n%s", s.tool, args, err, out)
	}
	return string(out)
}

// nothingToDo is what the tools say when all is applied.
var nothingToDo = regexp.MustCompile(`no migrations to run|no change`)

func (s *site) upToDate() {
	s.Helper()
	if out := s.peer("up"); !nothingToDo.MatchString(out) {
		s.Errorf("the real %s had something to do: %s", s.tool, out)
	}
}

// companion makes one for a ledger that has the first n migrations.
func (s *site) companion(n int) (executor.Companion, error) {
	var status []executor.Entry
	for i, m := range s.migrations {
		e := executor.Entry{Version: m.Version, State: executor.StatePending}
		if i < n {
			e.State = executor.StateApplied
		}
		status = append(status, e)
	}
	return history.NewCompanion(s.Context(), s, history.Compat{
		Where: history.Where{Dialect: s.dialect, Tool: s.tool}, Folder: s.migrations, Status: status,
	})
}

func (s *site) mustCompanion(n int) executor.Companion {
	s.Helper()
	c, err := s.companion(n)
	if err != nil {
		s.Fatal(err)
	}
	s.run(c.Prepare()...)
	return c
}

func (s *site) run(queries ...executor.Query) {
	s.Helper()
	for _, q := range queries {
		if err := s.exec(q.SQL); err != nil {
			s.Fatalf("%s: %v", q.SQL, err)
		}
	}
}

// apply does what an engine does with the i-th migration.
func (s *site) apply(c executor.Companion, i int) {
	s.Helper()
	s.run(executor.Query{SQL: s.migrations[i].SQL})
	s.run(c.Record(s.migrations[i])...)
}

func (s *site) undo(c executor.Companion, i int) {
	s.Helper()
	s.run(executor.Query{SQL: s.migrations[i].Down})
	s.run(c.Undo(s.migrations[i])...)
}

// onPeers runs a story for both tools on both servers.
func onPeers(t *testing.T, story func(*site)) {
	for tool := range peerFiles {
		for _, d := range dialects {
			t.Run(tool+"/"+string(d), func(t *testing.T) { story(newSite(t, tool, d)) })
		}
	}
}

func TestTheRealToolGoesOnBesideTheCompanion(t *testing.T) {
	onPeers(t, func(s *site) {
		c := s.mustCompanion(0) // the tool never ran here
		s.apply(c, 0)
		s.apply(c, 2) // out of order
		s.apply(c, 1)
		s.upToDate()

		s.undo(c, 2)
		if out := s.peer("up"); nothingToDo.MatchString(out) {
			s.Errorf("the real %s does not see that 10 was undone: %s", s.tool, out)
		}
		c = s.mustCompanion(3) // the table is there now, and Prepare changes nothing
		s.upToDate()
		for i := 2; i >= 0; i-- {
			s.undo(c, i)
		}
		s.peer("up") // from the first file again, or it fails
		s.run(executor.Query{SQL: "DROP TABLE a, b, c"})
	})
}

func TestATableThatIsBehindTheLedgerCatchesUp(t *testing.T) {
	onPeers(t, func(s *site) {
		s.peer(map[string][]string{layout.Goose: {"up-to", "1"}, layout.GolangMigrate: {"goto", "1"}}[s.tool]...)
		s.run(executor.Query{SQL: s.migrations[1].SQL}, executor.Query{SQL: s.migrations[2].SQL})
		s.mustCompanion(3)
		s.upToDate()
	})
}

// TestALateFileIsNoConflict: golang-migrate's one row says nothing of versions
// below it.
func TestALateFileIsNoConflict(t *testing.T) {
	onPeers(t, func(s *site) {
		c := s.mustCompanion(0)
		s.apply(c, 0)
		s.apply(c, 2)
		late := s.migrations[1]
		s.migrations[1], s.migrations[2] = s.migrations[2], late // so that the ledger has 1 and 10
		c = s.mustCompanion(2)
		s.apply(c, 2)
		s.upToDate()
	})
}

func TestTheCompanionRefusesWhatTheLedgerLacks(t *testing.T) {
	onPeers(t, func(s *site) {
		s.peer("up")
		if _, err := s.companion(1); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "which the ledger lacks; take over what it did with shipsql migrate adopt") {
			t.Errorf("error %v", err)
		}
		if _, err := s.companion(3); err != nil {
			t.Error(err)
		}
	})
}

// TestAdoptFromTheRealTool compares a folder with what the tool itself wrote,
// half-way through.
func TestAdoptFromTheRealTool(t *testing.T) {
	onPeers(t, func(s *site) {
		s.peer(map[string][]string{layout.Goose: {"up-to", "2"}, layout.GolangMigrate: {"goto", "2"}}[s.tool]...)
		h, err := history.Find(s.Context(), s, history.Where{Dialect: s.dialect, Tool: s.tool})
		if err != nil {
			s.Fatal(err)
		}
		c := history.Compare(h, history.Folder{Migrations: s.migrations, Files: s.files})
		if h.Tool != s.tool || len(c.Unproven) != 2 || len(c.Pending) != 1 || c.Pending[0].Version != "10" || len(c.Unknown) != 0 {
			s.Errorf("%+v: %+v", h, c)
		}
	})
}

func TestADirtyGolangMigrateIsRefused(t *testing.T) {
	for _, d := range dialects {
		s := newSite(t, layout.GolangMigrate, d)
		s.run(executor.Query{SQL: "CREATE TABLE b (id int)"}) // so that the second file fails
		if out, err := exec.Command(peers.GolangMigrate(s), "-path", s.dir, "-database", s.database(), "up").CombinedOutput(); err == nil {
			t.Fatalf("migrate up: %s", out)
		}
		_, err := history.Find(t.Context(), s, history.Where{Dialect: d})
		const want = "golang-migrate left the database dirty at version 2"
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "migrate force VERSION") {
			t.Errorf("%s: %v", d, err)
		}
		if _, err := s.companion(1); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: companion: %v", d, err)
		}
	}
}

func (s *site) database() string {
	if s.dialect == script.MySQL {
		return "mysql://" + dsn(s.url)
	}
	return s.url
}

func TestNoCompanion(t *testing.T) {
	s := newSite(t, layout.Goose, script.Postgres)
	compat := history.Compat{Where: history.Where{Dialect: script.Postgres, Tool: layout.Flyway}}
	if _, err := history.NewCompanion(t.Context(), s, compat); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("for flyway: %v", err)
	}
	compat = history.Compat{
		Where:  history.Where{Dialect: script.Postgres, Tool: layout.Goose},
		Folder: []executor.Migration{{Version: "1.2", Kind: executor.Versioned, Path: "1.2_x.sql"}},
	}
	if _, err := history.NewCompanion(t.Context(), s, compat); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "1.2_x.sql") {
		t.Errorf("for version 1.2: %v", err)
	}
}
