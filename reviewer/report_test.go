package reviewer_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/reviewer"
)

// example is a change that shows all there is in a report.
func example() reviewer.Input {
	return reviewer.Input{
		Schema: file("schema.sql", "CREATE TABLE users (id bigint PRIMARY KEY, email text, org_id bigint); CREATE TABLE orgs (id bigint PRIMARY KEY);"),
		Waived: map[string]string{"drop-table": "the audit is over"},
		Files: []executor.File{
			{Path: "migrations/1_index.sql", Content: []byte("-- shipsql: ignore=rename-column reason=\"nobody reads it\"\nCREATE INDEX users_email\n  ON users (email);\nALTER TABLE users RENAME email TO mail;\nALTER TABLE users ALTER COLUMN mail SET NOT NULL;\n")},
			{Path: "migrations/2_drop.sql", Content: []byte("DROP TABLE orgs;\nCREATE TABEL x ();\nCREATE TABLE notes (body text);\n")},
		},
	}
}

func TestReportJSON(t *testing.T) {
	report := review(t, example())
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.json", string(text)+"\n")
}

func TestReportText(t *testing.T) {
	report := review(t, example())
	for path, colour := range map[string]bool{"testdata/report.txt": false, "testdata/report.ansi": true} {
		var text bytes.Buffer
		if err := report.WriteText(&text, colour); err != nil {
			t.Fatal(err)
		}
		golden(t, path, text.String())
	}
}

func TestTextHoldsNoControlCharacters(t *testing.T) {
	report := review(t, reviewer.Input{Files: file("a\x1b[2J.sql", "DROP TABLE \"x\x1b]0;gotcha\x07\";")})
	var text bytes.Buffer
	if err := report.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\x07") {
		t.Errorf("a terminal would obey %q", text.String())
	}
}

func TestRulesPage(t *testing.T) {
	golden(t, "../docs/rules.md", reviewer.RulesPage())
}

func TestRulesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range reviewer.Rules() {
		if r.ID == "" || r.Meaning == "" || r.Category == "" || r.Why == "" || r.Remedy == "" || !r.Severity.Valid() || seen[r.ID] {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
	}
}
