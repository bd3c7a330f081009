package reviewer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/reviewer"
)

const indexOnUsers = "CREATE INDEX users_email ON users (email);"

// said lists findings as "severity rule".
func said(findings []reviewer.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s %s", f.Severity, f.Rule))
	}
	return list
}

func check(t *testing.T, findings []reviewer.Finding, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, said(findings)); diff != "" {
		t.Error(diff)
	}
}

func sized(rows, bytes int64) *catalog.Catalog {
	users := catalog.Name{Schema: "public", Name: "users"}
	return &catalog.Catalog{Engine: "postgres", Version: "15.3", SearchPath: []string{"public"}, Tables: map[catalog.Name]*catalog.Table{
		users: {Name: users, Kind: catalog.BaseTable, Size: catalog.Size{Known: true, Rows: rows, Bytes: bytes}, Columns: []catalog.Column{{Name: "email", Type: "text"}}},
	}}
}

func TestSeverityFollowsTheTablesSize(t *testing.T) {
	for _, c := range []struct {
		name        string
		catalog     *catalog.Catalog
		want, words string
	}{
		{"unknown", nil, "error create-index-without-concurrently", "public.users until"},
		{"empty", sized(0, 0), "notice create-index-without-concurrently", "public.users (empty)"},
		{"small", sized(500, 200<<10), "warning create-index-without-concurrently", "(about 500 rows, 200 kB)"},
		{"never analysed", sized(-1, 200<<10), "warning create-index-without-concurrently", "(200 kB)"},
		{"large", sized(1_234_567, 310<<20), "error create-index-without-concurrently", "(about 1.2 million rows, 310 MB)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			findings := reviewSQL(t, reviewer.Input{Catalog: c.catalog}, indexOnUsers)
			check(t, findings, c.want)
			if !strings.Contains(findings[0].Message, c.words) {
				t.Errorf("%q does not say %q", findings[0].Message, c.words)
			}
		})
	}
}

func TestRowsAddedByTheChangeCount(t *testing.T) {
	for sql, want := range map[string]string{
		"INSERT INTO users (email) VALUES ('a'), ('b');": "warning create-index-without-concurrently",
		"INSERT INTO users (email) SELECT x FROM other;": "error create-index-without-concurrently",
	} {
		check(t, reviewSQL(t, reviewer.Input{Catalog: sized(0, 0)}, sql+indexOnUsers), want)
	}
}

func TestTablesMadeEarlierAreNoHazard(t *testing.T) {
	const create = "CREATE TABLE users (id bigint PRIMARY KEY, email text);"
	files := append(file("migrations/1_a.sql", create), file("migrations/2_b.sql", indexOnUsers)...)
	if got := review(t, reviewer.Input{Files: files}); got.Summary.Errors != 0 {
		t.Errorf("made in an earlier file of the change: %v", said(got.Files[1].Findings))
	}
	check(t, reviewSQL(t, reviewer.Input{Before: file("migrations/0_before.sql", create)}, indexOnUsers))
	check(t, reviewSQL(t, reviewer.Input{Schema: file("schema.sql", create)}, indexOnUsers), "error create-index-without-concurrently")
	check(t, reviewSQL(t, reviewer.Input{Catalog: sized(9, 1<<30)}, "ALTER TABLE users RENAME TO old; "+create+indexOnUsers), "warning rename-table")
}

func TestSettingsEndWithTheFile(t *testing.T) {
	files := append(file("1_a.sql", "SET search_path TO app; CREATE TABLE users (id bigint PRIMARY KEY, email text);"), file("2_b.sql", indexOnUsers)...)
	report := review(t, reviewer.Input{Files: files})
	check(t, report.Files[1].Findings, "error create-index-without-concurrently")
}

func TestVersionsDiffer(t *testing.T) {
	const proven = "CREATE TABLE users (a int, CONSTRAINT c CHECK (a IS NOT NULL));"
	in := reviewer.Input{Schema: file("schema.sql", proven), EngineVersion: "11.2"}
	check(t, reviewSQL(t, in, "ALTER TABLE users ALTER a SET NOT NULL;"), "error set-not-null-scans")
	in.EngineVersion = "12"
	check(t, reviewSQL(t, in, "ALTER TABLE users ALTER a SET NOT NULL;"))
	in.EngineVersion = "10"
	check(t, reviewSQL(t, in, "ALTER TABLE users ADD b int DEFAULT 1;"), "error add-column-volatile-default")
	in.EngineVersion = "18"
	fix := reviewSQL(t, in, "ALTER TABLE users ALTER b SET NOT NULL;")[0].Fix
	if !strings.Contains(fix, "NOT NULL b NOT VALID") {
		t.Errorf("PostgreSQL 18 has a shorter way than\n%s", fix)
	}
}

func TestPolicyAndFloor(t *testing.T) {
	const rule = "create-index-without-concurrently"
	policy := func(s reviewer.Severity) reviewer.Policy {
		return reviewer.Policy{Rules: map[string]reviewer.Severity{rule: s}}
	}
	floor := map[string]reviewer.Severity{rule: reviewer.Warning}
	check(t, reviewSQL(t, reviewer.Input{Policy: policy(reviewer.Off)}, indexOnUsers))
	check(t, reviewSQL(t, reviewer.Input{Policy: policy(reviewer.Notice)}, indexOnUsers), "notice "+rule)
	check(t, reviewSQL(t, reviewer.Input{Policy: policy(reviewer.Error), Catalog: sized(0, 0)}, indexOnUsers), "error "+rule)
	check(t, reviewSQL(t, reviewer.Input{Policy: policy(reviewer.Off), Floor: floor}, indexOnUsers), "warning "+rule)
	suppress := reviewer.Policy{Suppress: []reviewer.Suppression{{Files: []string{"migrations/**"}}}}
	check(t, reviewSQL(t, reviewer.Input{Policy: suppress}, indexOnUsers))
	check(t, reviewSQL(t, reviewer.Input{Policy: suppress, Floor: floor}, indexOnUsers), "error "+rule)
	suppress.Suppress[0].Rules = []string{"drop-table"}
	check(t, reviewSQL(t, reviewer.Input{Policy: suppress}, indexOnUsers), "error "+rule)
	suppress.Suppress[0] = reviewer.Suppression{Files: []string{"old/*"}}
	check(t, reviewSQL(t, reviewer.Input{Policy: suppress}, indexOnUsers), "error "+rule)
}

func TestWhatTheExecutorRefusesStaysAnError(t *testing.T) {
	in := reviewer.Input{
		Policy: reviewer.Policy{
			Rules:            map[string]reviewer.Severity{"refused-statement": reviewer.Off},
			SelfSuppressible: []string{"refused-statement"},
			Suppress:         []reviewer.Suppression{{Files: []string{"**"}}},
		},
		Waived: map[string]string{"refused-statement": "because"},
	}
	report := review(t, reviewer.Input{Files: file("1.sql", "-- shipsql: ignore=refused-statement reason=\"x\"\nSELECT 1; COMMIT;"), Policy: in.Policy, Waived: in.Waived})
	check(t, report.Files[0].Findings, "error refused-statement")
	if !report.Blocking() {
		t.Error("it does not block")
	}
}

func TestIgnoreInTheFile(t *testing.T) {
	const rename = "ALTER TABLE users RENAME a TO b;"
	ignore := func(rule string) string { return fmt.Sprintf("-- shipsql: ignore=%s reason=\"asked\"\n", rule) }
	report := review(t, reviewer.Input{Files: file("1.sql", ignore("rename-column")+rename)})
	check(t, report.Files[0].Findings)
	if report.Summary.Suppressed != 1 {
		t.Errorf("summary %+v does not count what was silenced", report.Summary)
	}
	check(t, reviewSQL(t, reviewer.Input{}, "SELECT 1;\n"+ignore("rename-column")+rename+"\n"+rename), "warning rename-column")

	findings := reviewSQL(t, reviewer.Input{}, ignore("create-index-without-concurrently")+indexOnUsers)
	check(t, findings, "error create-index-without-concurrently")
	if !strings.Contains(findings[0].Message, "waive") {
		t.Errorf("%q does not say why the ignore has no effect", findings[0].Message)
	}
	mine := reviewer.Policy{SelfSuppressible: []string{"create-index-without-concurrently"}}
	check(t, reviewSQL(t, reviewer.Input{Policy: mine}, ignore("create-index-without-concurrently")+indexOnUsers))
	floor := map[string]reviewer.Severity{"create-index-without-concurrently": reviewer.Error}
	check(t, reviewSQL(t, reviewer.Input{Policy: mine, Floor: floor}, ignore("create-index-without-concurrently")+indexOnUsers), "error create-index-without-concurrently")
}

func TestWaivedErrorsDoNotBlock(t *testing.T) {
	in := reviewer.Input{Files: file("1.sql", "DROP TABLE a;"), Waived: map[string]string{"drop-table": "nobody reads it"}}
	report := review(t, in)
	f := report.Files[0].Findings[0]
	if report.Blocking() || f.Severity != reviewer.Error || f.Waived != "nobody reads it" || report.Summary.Waived != 1 || report.Summary.Errors != 1 {
		t.Errorf("%+v, summary %+v", f, report.Summary)
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, content := range map[string]string{
		"not UTF-8":     "SELECT 'é\xff';",
		"UTF-16":        "\xff\xfeS\x00",
		"NUL":           "SELECT 1;\x00",
		"empty":         "",
		"only comments": "-- nothing\n",
		"too large":     strings.Repeat("SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			report := review(t, reviewer.Input{Files: append(file("1.sql", content), file("2.sql", indexOnUsers)...)})
			check(t, report.Files[0].Findings, "error unreadable-file")
			check(t, report.Files[1].Findings, "error create-index-without-concurrently")
			if f := report.Files[0].Findings[0]; f.Line < 1 || f.Message == "" || f.Fix == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestByteOrderMarkAndCarriageReturns(t *testing.T) {
	findings := reviewSQL(t, reviewer.Input{}, "\ufeff-- x\r\nCREATE INDEX i\r\n  ON users (email);\r\n")
	if f := findings[0]; f.Line != 2 || f.Column != 1 || f.EndLine != 3 || f.Suggestion == "" {
		t.Errorf("%+v", f)
	}
}

func TestNotAnalysed(t *testing.T) {
	for name, sql := range map[string]string{
		"large":           "SELECT '" + strings.Repeat("x", 1<<20) + "';",
		"deep":            "SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + ";",
		"many operators":  "SELECT 1" + strings.Repeat("+1", 3000) + ";",
		"many statements": strings.Repeat("SELECT 1;", 60_000),
		"semicolons":      strings.Repeat(";", 2_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			report := review(t, reviewer.Input{Files: file("1.sql", sql)})
			check(t, report.Files[0].Findings, "error not-analysed")
			if report.Summary.NotAnalysed != 1 {
				t.Errorf("summary %+v", report.Summary)
			}
		})
	}
}

func TestFingerprints(t *testing.T) {
	prints := func(path, sql string) []string {
		var all []string
		for _, f := range review(t, reviewer.Input{Files: file(path, sql)}).Files[0].Findings {
			all = append(all, f.Fingerprint)
		}
		return all
	}
	first := prints("1.sql", "DROP TABLE a;\nDROP TABLE b;")
	moved := prints("1.sql", "-- comment\n\n\nDROP   TABLE a;\nSELECT 1;\nDROP TABLE b;")
	if diff := cmp.Diff(first, moved); diff != "" {
		t.Errorf("they changed with lines and blanks:\n%s", diff)
	}
	same := prints("1.sql", "DELETE FROM a;\nDELETE FROM a;")
	if same[0] == same[1] {
		t.Error("two equal statements have one fingerprint")
	}
	if prints("2.sql", "DROP TABLE a;")[0] == first[0] {
		t.Error("the path does not count")
	}
}

func TestReviewRefuses(t *testing.T) {
	r := reviewer.New(parser)
	if _, err := r.Review(t.Context(), reviewer.Input{Engine: "oracle"}); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("another engine: %v", err)
	}
	for _, schema := range []string{"CREATE TABEL t ();", "\xff"} {
		_, err := r.Review(t.Context(), reviewer.Input{Schema: file("schema.sql", schema)})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "schema.sql") {
			t.Errorf("schema %q: %v", schema, err)
		}
	}
	if _, err := r.Review(t.Context(), reviewer.Input{Schema: file("dump.sql", "\\restrict x\nCREATE TABLE t ();\n\\unrestrict x\n")}); err != nil {
		t.Errorf("a dump with psql's commands: %v", err)
	}
}

func TestNothingToReview(t *testing.T) {
	report := review(t, reviewer.Input{Files: []executor.File{}})
	if report.Blocking() || report.Summary.Files != 0 || report.Files == nil {
		t.Errorf("%+v", report)
	}
}
