package reviewer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/reviewer"
)

func TestMySQLIsOnlyParsedAndSaysSo(t *testing.T) {
	const sql = "# it's MySQL\n" +
		"CREATE TABLE `t` (id INT PRIMARY KEY) ENGINE=InnoDB;\n" +
		"DROP TABLE users; -- a hazard, but there are no rules\n" +
		"DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nDELIMITER ;\n" +
		"INSERT INTO t VALUES (1) RETURNING id;\n" +
		"FROBNICATE t;\n" +
		"source other.sql\n" +
		"-- shipsql: nonsense=1\nSELECT 1;\n"
	r := reviewer.New(nil) // no PostgreSQL parser is needed
	for _, engine := range []string{"mysql", "mariadb"} {
		report, err := r.Review(t.Context(), reviewer.Input{Engine: engine, Files: []executor.File{{Path: "m/1.sql", Content: []byte(sql)}}})
		if err != nil {
			t.Fatal(err)
		}
		if report.Basis != "parsed only: no MySQL rules yet" || report.Engine != engine {
			t.Errorf("engine %s, basis %q", report.Engine, report.Basis)
		}
		var kinds, findings []string
		for _, s := range report.Files[0].Statements {
			kinds = append(kinds, s.Kind)
		}
		for _, f := range report.Files[0].Findings {
			findings = append(findings, string(f.Severity)+" "+f.Rule+": "+f.Message)
		}
		if diff := cmp.Diff([]string{"CREATE TABLE", "DROP TABLE", "CREATE PROCEDURE", "INSERT", "statement", "source", "SELECT"}, kinds); diff != "" {
			t.Error(diff)
		}
		want := []string{
			"error not-analysed: Not analysed: no parser of ours reads all of this statement",
			"error not-analysed: Not analysed: no parser of ours reads all of this statement",
			"error not-analysed: Not analysed: it is a command of MySQL's client, which the executor refuses",
			`error bad-directive: unknown directive "nonsense"`,
		}
		if diff := cmp.Diff(want, findings); diff != "" {
			t.Error(diff)
		}
		if report.Summary.NotAnalysed != 3 || !report.Blocking() {
			t.Errorf("summary %+v, blocking %v", report.Summary, report.Blocking())
		}
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "null") {
			t.Errorf("the JSON contract has no null: %s", text)
		}
	}
}

func TestWhatTheMySQLEngineRefusesIsSaid(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE a (id INT);\nDELETE FROM shipsql_steps;":              "2 refused-statement",
		"CREATE TABLE a (id INT);\nCOMMIT;":                                 "2 refused-statement",
		"BEGIN;\nINSERT INTO a VALUES (1);\nCOMMIT;":                        "",
		"USE orders;\nKILL 5;":                                              "2 refused-statement",
		"SET GLOBAL max_connections = 5;":                                   "1 refused-statement",
		"USE orders;\nDO SLEEP(1), RELEASE_LOCK('x');":                      "2 refused-statement",
		"DELIMITER //\nCREATE PROCEDURE p() BEGIN START TRANSACTION; END//": "",
	} {
		in := reviewer.Input{Engine: "mariadb", Files: []executor.File{{Path: "1.sql", Content: []byte(sql)}}}
		report, err := reviewer.New(nil).Review(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range report.Files[0].Findings {
			got = append(got, fmt.Sprintf("%d %s", f.Line, f.Rule))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %v, want %q", sql, got, want)
		}
	}
}

func TestWhatNobodyReadMayBeWaived(t *testing.T) {
	in := reviewer.Input{Engine: "mariadb", Files: []executor.File{{Path: "1.sql", Content: []byte("FROBNICATE t;")}},
		Waived: map[string]string{"not-analysed": "I looked at it"}}
	report, err := reviewer.New(nil).Review(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if report.Blocking() || report.Summary.Waived != 1 {
		t.Errorf("%+v", report)
	}
}
