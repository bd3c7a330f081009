package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/privateserver"
)

// migrationsIn makes a folder of migrations.
func migrationsIn(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// a database and a folder that a story is told about.
type site struct {
	*testing.T

	url, dir string
}

// run runs a migrate command and checks its exit code and what it prints.
func (s site) run(command string, code int, out, errText string) string {
	s.Helper()
	args := append([]string{"migrate"}, strings.Fields(command)...)
	args = append(args, "--database", s.url, "--dir", s.dir)
	gotCode, gotOut, gotErr := shipsql(s.T, args...)
	if gotCode != code || !strings.Contains(gotOut, out) || !strings.Contains(gotErr, errText) {
		s.Errorf("%s: exit %d, want %d\nout %q\nwant %q\nerr %q\nwant %q", command, gotCode, code, gotOut, out, gotErr, errText)
	}
	return gotOut
}

func (s site) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func TestMigrateTellsAStory(t *testing.T) {
	s := site{t, privateserver.Database(t), migrationsIn(t, map[string]string{
		"1_old.sql": "create table old(); create table gone()", "2_new.sql": "create table new();\ncreate index concurrently on new((1));",
	})}
	s.run("status", exitOK, "pending  1        old   0/2", "")
	s.run("up --dry-run", exitOK, "2 would be applied, 0 already there", "")
	s.run("baseline --to 1 --reason by-hand", exitOK, "baseline  1        old   0/2", "")
	s.run("up", exitOK, "1 applied, 1 already there, 0 skipped", "running: "+s.dir+"/2_new.sql (2 statements)")
	s.run("up", exitOK, "0 applied, 2 already there, 0 skipped", "")

	s.write("3_bad.sql", "select 1;\nselect 1\n  / 0")
	s.run("up", exitFail, "0 applied, 2 already there", s.dir+"/3_bad.sql:2: statement 2: division by zero (SQLSTATE 22012)")
	s.write("4_next.sql", "create table next()")
	s.run("up --to 2", exitOK, "0 applied, 2 already there", "")
	s.run("skip 3 --reason broken", exitOK, "skipped  3        bad", "")
	s.run("up", exitOK, "1 applied, 2 already there, 1 skipped", "")
	s.run("skip 4", exitFail, "", "can't be skipped")
	s.run("skip 9", exitUsage, "", "no version 9")

	s.write("5_call.sql", "-- shipsql: transaction=off\ncreate procedure p() language plpgsql as 'begin commit; perform 1/0; end';\ncall p();")
	s.run("up", 3, "", "shipsql migrate resolve '5#2' applied")
	s.run("status", exitOK, "ambiguous  5        call  1/2", "")
	s.run("up --dry-run", 3, "", "ambiguous")
	s.run("resolve 5#1 applied", exitFail, "", "not ambiguous")
	s.run("resolve 5 applied", exitUsage, "", "write VERSION#N")
	s.run("resolve 5#2 perhaps", exitUsage, "", "must be one of")
	s.run("resolve 5#2 applied --reason looked", exitOK, "partial  5", "")
	s.run("up", exitOK, "1 applied", "")

	s.write("2_new.sql", "create table renamed()")
	s.run("up", exitFail, "", "2_new.sql: version 2 was applied with another text")
	s.run("up --dry-run", exitFail, "", "another text")
	s.run("status", exitOK, "changed", "")
}

func TestMigrateExitCodes(t *testing.T) {
	good := migrationsIn(t, map[string]string{"1_a.sql": "create table a()"})
	database := privateserver.Database(t)
	for name, c := range map[string]struct {
		database, dir, args string
		code                int
		says                string
	}{
		"no such folder":     {database, "nowhere", "", exitUsage, "nowhere"},
		"empty folder":       {database, t.TempDir(), "", exitOK, ""},
		"bad file":           {database, migrationsIn(t, map[string]string{"1_a.sql": "\xff", "x.sql": ""}), "", exitFail, "not UTF-8"},
		"refused":            {database, migrationsIn(t, map[string]string{"1_a.sql": "commit"}), "", exitFail, "hint: take it out"},
		"syntax":             {database, migrationsIn(t, map[string]string{"1_a.sql": "selekt"}), "", exitFail, "1_a.sql:1"},
		"unreachable":        {"postgres://u:hunter2@127.0.0.1:1/x", good, "", 4, "can't be reached"},
		"no URL":             {"postgres://[", good, "", exitUsage, "URL"},
		"unset":              {"env:SHIPSQL_NOT_SET", good, "", exitUsage, "env:SHIPSQL_NOT_SET"},
		"another engine":     {"oracle://u@h/x", good, "", exitUsage, "no engine for oracle://"},
		"unknown layout":     {database, good, "--layout flywey", exitUsage, "did you mean flyway?"},
		"another layout":     {database, good, "--layout flyway", exitFail, "1_a.sql: the file name has no version"},
		"version of nothing": {database, good, "--to 7", exitUsage, "no version 7"},
		"unknown flag":       {database, good, "--no-such-flag", exitUsage, "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"migrate", "up", "--database", c.database, "--dir", c.dir}, strings.Fields(c.args)...)
			code, out, err := shipsql(t, args...)
			if code != c.code || !strings.Contains(err, c.says) {
				t.Errorf("exit %d, want %d; out %q, err %q", code, c.code, out, err)
			}
			if strings.Contains(err, "hunter2") {
				t.Errorf("shows the password: %s", err)
			}
		})
	}
}

func TestMigrateJSON(t *testing.T) {
	s := site{t, "env:SHIPSQL_TEST_TARGET", migrationsIn(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "begin; create table b(); commit", "3_c.sql": "select\n nothing"})}
	t.Setenv("SHIPSQL_TEST_TARGET", privateserver.Database(t))
	got := s.run("up --format json", exitFail, "", "")
	want := `{"version":1,"engine":"postgres","history":"default","migrations":[` +
		`{"version":"1","path":"DIR/1_a.sql","outcome":"applied","duration_ms":0,"statements":1},` +
		`{"version":"2","path":"DIR/2_b.sql","outcome":"applied","duration_ms":0,"statements":3,` +
		`"notes":["BEGIN … COMMIT around the whole file is left out: the file and its ledger row are one transaction anyway"]}],` +
		`"error":{"code":"sql_error","message":"DIR/3_c.sql:2: statement 1: column \"nothing\" does not exist (SQLSTATE 42703)",` +
		`"path":"DIR/3_c.sql","line":2,"statement":1,"sqlstate":"42703",` +
		`"left":"nothing of this file is applied; the ledger has: 2 applied, 1 pending",` +
		`"next":"correct DIR/3_c.sql, then shipsql migrate up --database env:SHIPSQL_TEST_TARGET --dir DIR"}}` + "\n"
	if diff := cmp.Diff(want, s.stable(got)); diff != "" {
		t.Error(diff)
	}
	got = s.run("status --format json", exitOK, "", "")
	var status statusReport
	if err := json.Unmarshal([]byte(got), &status); err != nil || status.Summary["applied"] != 2 || status.Summary["pending"] != 1 {
		t.Errorf("%v: %s", err, got)
	}
	want = `{"version":"1","name":"a","path":"DIR/1_a.sql","kind":"versioned","state":"applied","checksum":"CHECKSUM","applied_at":"TIME","duration_ms":0,"done":1,"total":1,"release":""}`
	if !strings.Contains(s.stable(got), want) {
		t.Errorf("%s lacks %s", s.stable(got), want)
	}
}

var unstable = regexp.MustCompile(`"(duration_ms)":\d+|"(checksum)":"[0-9a-f]{64}"|"(applied_at)":"20[^"]+Z"`)

// stable takes out of JSON what differs from run to run.
func (s site) stable(text string) string {
	text = strings.ReplaceAll(text, s.dir, "DIR")
	return unstable.ReplaceAllStringFunc(text, func(match string) string {
		switch {
		case strings.Contains(match, "duration_ms"):
			return `"duration_ms":0`
		case strings.Contains(match, "checksum"):
			return `"checksum":"CHECKSUM"`
		}
		return `"applied_at":"TIME"`
	})
}
