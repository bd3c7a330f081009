package syntax_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// pieces are words that mean much in the wrong place.
var pieces = []string{
	"CREATE", "ALTER", "DROP", "RENAME", "TABLE", "OR REPLACE", "TEMPORARY", "IF NOT EXISTS", "IF EXISTS", "t", "app.t", "`a``b`", "\"q\"", "other . x",
	"(", ")", ",", ".", ";", "@", "=", "1", "1.5", "'x'", "REFERENCES", "LIKE", "SELECT", "FROM", "AS", "WITH", "UNION", "INDEX", "ON", "VIEW", "TRIGGER",
	"BEFORE INSERT ON t FOR EACH ROW", "PROCEDURE", "FUNCTION", "PACKAGE BODY", "EVENT", "SEQUENCE", "ADD", "COLUMN", "RENAME TO", "EXCHANGE PARTITION p WITH TABLE",
	"CONVERT TABLE", "PARTITION", "ALGORITHM=INPLACE", "LOCK NONE", "SET", "SET STATEMENT", "FOR", "GLOBAL", "@@", "EXPLAIN", "ANALYZE", "INSERT INTO t VALUES",
	"UPDATE", "DELETE", "USING", "DEFINER =", "a@b", "/*!50001", "/*!99999", "/*M!", "*/", "/*", "-- x\n", "#\n", "shipsql_meta", "INT", "WAIT",
}

func drawText(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 20).Draw(t, "parts")
	return strings.Join(parts, rapid.SampledFrom([]string{" ", ""}).Draw(t, "glue"))
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// checkStatement holds for every text, SQL or not.
func checkStatement(t failer, text string, flavour syntax.Flavour) {
	t.Helper()
	s := syntax.Parse(text, flavour)
	if s.Kind == syntax.Unknown && s.Understood {
		t.Fatalf("%q is understood and unknown", text)
	}
	if out, ok := s.Online("INPLACE", "NONE"); ok && len(out) <= len(text) {
		t.Fatalf("%q became %q to be online", text, out)
	}
	out, ok := s.Rewrite("app", "scratch")
	if !ok {
		return
	}
	again := syntax.Parse(out, flavour)
	if again.Kind != s.Kind {
		t.Fatalf("%q is %s, moved it is %q, %s", text, s.Kind, out, again.Kind)
	}
	for _, o := range again.Objects {
		if o.Name.Schema != "scratch" {
			t.Fatalf("%q was moved to %q, which names %s", text, out, o.Name)
		}
	}
	if s.WritesLedger() != again.WritesLedger() {
		t.Fatalf("%q and %q don't agree on the ledger", text, out)
	}
}

func TestAnyTextKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkStatement(t, drawText(t), rapid.SampledFrom([]syntax.Flavour{syntax.MySQL, syntax.MariaDB, ""}).Draw(t, "flavour"))
	})
}

func TestQuotingAndCommentsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := rapid.SampledFrom([]string{"shipsql_migrations", "`shipsql_steps`", "SHIPSQL_META", "app.shipsql_meta", "`app`.`Shipsql_Steps`", "app . shipsql_meta"}).Draw(t, "table")
		blank := rapid.SampledFrom([]string{" ", "\n", "/**/", " -- x\n", " # y\n", "/*!50001 */"}).Draw(t, "blank")
		head := rapid.SampledFrom([]string{
			"DROP TABLE", "INSERT INTO", "REPLACE INTO", "DELETE FROM", "TRUNCATE", "ALTER TABLE", "UPDATE", "CREATE TABLE", "RENAME TABLE",
			"LOAD DATA INFILE 'x' INTO TABLE", "CREATE TRIGGER x AFTER INSERT ON", "CREATE PROCEDURE p() DELETE FROM", "EXPLAIN ANALYZE DELETE FROM", "LOCK TABLES",
		}).Draw(t, "head")
		tail := rapid.SampledFrom([]string{"", " SET x = 1", " VALUES (1)", " (a INT)", " FORCE", " garbage ("}).Draw(t, "tail")
		text := strings.ReplaceAll(head, " ", blank) + blank + table + tail
		for _, flavour := range []syntax.Flavour{syntax.MySQL, syntax.MariaDB} {
			if !syntax.Parse(text, flavour).WritesLedger() {
				t.Fatalf("%q may write the ledger", text)
			}
		}
	})
}

func TestHostileStatementsAreReadInTime(t *testing.T) {
	const n = 30_000
	for name, text := range map[string]string{
		"parentheses":  "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"chain":        "SELECT 1" + strings.Repeat("+1", n),
		"nots":         "SELECT " + strings.Repeat("NOT ", n) + "1",
		"unions":       "SELECT 1" + strings.Repeat(" UNION SELECT 1", n/10),
		"joins":        "SELECT 1 FROM a" + strings.Repeat(" JOIN a", n),
		"cases":        "SELECT " + strings.Repeat("CASE WHEN 1 THEN ", n) + "1" + strings.Repeat(" END", n),
		"values":       "INSERT INTO t VALUES (1)" + strings.Repeat(",(1)", n),
		"commas":       "SELECT 1 FROM a" + strings.Repeat(",a", n),
		"deletes":      "DELETE a" + strings.Repeat(",a", n/3) + " FROM a" + strings.Repeat(",a", n/3),
		"ctes":         "WITH a AS (SELECT 1)" + strings.Repeat(",a AS (SELECT 1)", n/5) + " SELECT 1 FROM a" + strings.Repeat(",a", n/5),
		"swaps":        "ALTER TABLE t RENAME COLUMN a TO b" + strings.Repeat(",RENAME COLUMN b TO a", n/5),
		"drops":        "DROP TABLE a" + strings.Repeat(",a", n),
		"dots":         "ALTER TABLE " + strings.Repeat("a.", n),
		"references":   "CREATE TABLE t (" + strings.Repeat("a INT REFERENCES x,", n/10),
		"versions":     strings.Repeat("/*!50001 a */", n),
		"alter":        "ALTER TABLE t " + strings.Repeat("ADD COLUMN a INT,", n/10),
		"partitions":   "ALTER TABLE t " + strings.Repeat("ENGINE x ", n/10),
		"set":          "SET " + strings.Repeat("a=1,", n),
		"statements":   strings.Repeat("SET STATEMENT a=1 FOR ", n/10) + "SELECT 1",
		"explains":     strings.Repeat("EXPLAIN ANALYZE ", n/10) + "SELECT 1",
		"with":         "WITH " + strings.Repeat("a AS (SELECT 1),", n/10),
		"renames":      "RENAME TABLE a TO b" + strings.Repeat(", a TO b", n/10),
		"unterminated": "INSERT INTO t VALUES ('" + strings.Repeat("x", n),
	} {
		start := time.Now()
		for _, flavour := range []syntax.Flavour{syntax.MySQL, syntax.MariaDB} {
			checkStatement(t, text, flavour)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: %s", name, took)
		}
	}
}

func TestACallBehindManyValuesIsSeen(t *testing.T) {
	s := syntax.Parse("INSERT INTO t VALUES (1)"+strings.Repeat(",(1)", 400_000)+", (RELEASE_LOCK('x'))", syntax.MySQL)
	if s.Kind != syntax.Insert || s.Understood || len(s.Functions) == 0 || s.Functions[len(s.Functions)-1] != "t" && s.Functions[0] != "release_lock" {
		t.Errorf("kind %s, understood %v, calls %v", s.Kind, s.Understood, s.Functions)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range append(statements(f), pieces...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkStatement(t, text, syntax.MySQL)
		checkStatement(t, text, syntax.MariaDB)
	})
}

func BenchmarkParse(b *testing.B) {
	all := statements(b)
	for b.Loop() {
		for _, text := range all {
			syntax.Parse(text, syntax.MariaDB)
		}
	}
}
