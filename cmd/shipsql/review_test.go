package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/reviewer"
)

// folder writes files below a temporary folder and makes it the current one.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReviewExitsByWhatItFinds(t *testing.T) {
	folder(t, map[string]string{
		"good.sql":         "CREATE INDEX CONCURRENTLY i ON users (email);",
		"bad.sql":          "CREATE INDEX i ON users (email);",
		"warning.sql":      "ALTER TABLE users RENAME TO people;",
		"schema.sql":       "CREATE TABLE t (v varchar(10));",
		"wider.sql":        "ALTER TABLE t ALTER v TYPE text;",
		"not_null.sql":     "ALTER TABLE t ALTER v SET NOT NULL;",
		"my.sql":           "CREATE TABLE `t` (id INT) ENGINE=InnoDB; # ;\nCREATE PROCEDURE p() BEGIN SELECT 1; END;",
		"odd.sql":          "FROBNICATE t;",
		"latin1.sql":       "SELECT '\xe9';",
		"empty/readme.txt": "",
		"m/10_b.sql":       "CREATE INDEX i ON users (email);",
		"m/9_a.sql":        "CREATE TABLE users (id bigint PRIMARY KEY, email text);",
		"m/9_a.down.sql":   "DROP TABLE users;",
		"strict.yaml":      "rules: {rename-table: error}",
		"wrong.yaml":       "rules: {rename-tabel: error}",
	})
	for _, c := range []struct {
		name     string
		args     []string
		code     int
		out, err string
	}{
		{"clean", []string{"good.sql"}, exitOK, "1 file, 1 statement: 0 errors", ""},
		{"blocking", []string{"bad.sql"}, exitFail, "bad.sql:1:1 error create-index-without-concurrently", ""},
		{"warning only", []string{"warning.sql"}, exitOK, "warning rename-table", ""},
		{"policy", []string{"--config", "strict.yaml", "warning.sql"}, exitFail, "error rename-table", ""},
		{"wrong policy", []string{"--config", "wrong.yaml", "warning.sql"}, exitUsage, "", `wrong.yaml: the policy is wrong: 1:9: there is no rule "rename-tabel"; did you mean rename-table?`},
		{"policy missing", []string{"--config", "none.yaml", "good.sql"}, exitUsage, "", "none.yaml"},
		{"schema known", []string{"--schema", "schema.sql", "wider.sql"}, exitOK, "0 warnings", ""},
		{"schema unknown", []string{"wider.sql"}, exitOK, "1 warning", ""},
		{"folder in order of versions, without down files", []string{"m"}, exitOK, "2 files, 2 statements: 0 errors", ""},
		{"files in order of versions", []string{"m/10_b.sql", "m/9_a.sql"}, exitOK, "2 files, 2 statements: 0 errors", ""},
		{"old server", []string{"--engine-version", "11", "not_null.sql"}, exitFail, "PostgreSQL 11", ""},
		{"not UTF-8", []string{"latin1.sql"}, exitFail, "unreadable-file", ""},
		{"missing file", []string{"none.sql"}, exitUsage, "", "none.sql"},
		{"folder without SQL", []string{"empty"}, exitUsage, "", "no .sql file"},
		{"nothing", nil, exitUsage, "", "expected"},
		{"rehearse", []string{"--rehearse", "good.sql"}, exitUsage, "", "not supported yet"},
		{"sarif", []string{"--format", "sarif", "good.sql"}, exitUsage, "", "not supported yet"},
		{"mysql", []string{"--engine", "mysql", "my.sql"}, exitOK, "basis: parsed only: no MySQL rules yet", ""},
		{"mariadb, not parsed", []string{"--engine", "mariadb", "odd.sql"}, exitFail, "odd.sql:1:1 error not-analysed", ""},
		{"mysql with a catalog", []string{"--engine", "mysql", "--schema", "schema.sql", "my.sql"}, exitUsage, "", "change nothing"},
		{"unknown engine", []string{"--engine", "oracle", "my.sql"}, exitUsage, "", "must be one of"},
		{"unreachable", []string{"--database", "postgres://127.0.0.1:1/x", "good.sql"}, exitUsage, "", "shipsql:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, err := shipsql(t, append([]string{"review"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(err, c.err) {
				t.Errorf("exit %d, out %q, err %q; want %d, %q, %q", code, out, err, c.code, c.out, c.err)
			}
		})
	}
}

func TestReviewFindsThePolicyOfTheFolder(t *testing.T) {
	folder(t, map[string]string{"a.sql": "DROP TABLE a;", ".shipsql.yaml": "rules: {drop-table: notice}"})
	if code, out, _ := shipsql(t, "review", "a.sql"); code != exitOK || !strings.Contains(out, "notice drop-table") {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestReviewReadsTheCatalogOfADatabase(t *testing.T) {
	url := privateserver.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "CREATE TABLE users (email text)"); err != nil {
		t.Fatal(err)
	}
	folder(t, map[string]string{"a.sql": "CREATE INDEX i ON users (email);"})
	t.Setenv("REVIEW_URL", url)
	code, out, errText := shipsql(t, "review", "--format", "json", "--database", "env:REVIEW_URL", "a.sql")
	var report reviewer.Report
	if err := json.Unmarshal([]byte(out), &report); code != exitOK || err != nil {
		t.Fatalf("exit %d, %v, %s", code, err, errText)
	}
	if f := report.Files[0].Findings; len(f) != 1 || f[0].Severity != reviewer.Notice || !strings.Contains(f[0].Message, "empty") {
		t.Errorf("an empty table's index: %+v", f)
	}
	if report.EngineVersion == reviewer.DefaultVersion || report.EngineVersion == "" {
		t.Errorf("version %q is not the server's", report.EngineVersion)
	}
}
