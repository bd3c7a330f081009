package script_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pg_query "github.com/pganalyze/pg_query_go/v6"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/script"
)

func texts(statements []script.Statement) []string {
	var all []string
	for _, s := range statements {
		all = append(all, s.Text)
	}
	return all
}

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		want []string
	}{
		"nothing":                       {" \n-- only a comment;\n/* ; */ ;; ", nil},
		"two, the last without an end":  {"select 1;\n\nselect 2", []string{"select 1", "select 2"}},
		"comments are not part":         {"/* a */ select 1 -- b\n; -- c\nselect 2 /* d */;", []string{"select 1", "select 2"}},
		"comments inside are":           {"select -- b;\n 1;", []string{"select -- b;\n 1"}},
		"nested comment":                {"select 1 /* a /* ; */ ; */ + 1;", []string{"select 1 /* a /* ; */ ; */ + 1"}},
		"a comment ends at CR":          {"select 1 -- x\r;select 2", []string{"select 1", "select 2"}},
		"strings":                       {"select 'a;''b;'; select 2", []string{"select 'a;''b;'", "select 2"}},
		"backslash is plain":            {`select '\'; select 2`, []string{`select '\'`, "select 2"}},
		"backslash escapes in E":        {`select E'\';'; select e'\\'; select 3`, []string{`select E'\';'`, `select e'\\'`, "select 3"}},
		"E string goes on":              {"select E'a' -- c\n '\\';'; select 2", []string{"select E'a' -- c\n '\\';'", "select 2"}},
		"E string on one line does not": {`select E'a' '\'; select 2`, []string{`select E'a' '\'`, "select 2"}},
		"a word ending in e":            {`select date'\'; select 2`, []string{`select date'\'`, "select 2"}},
		"bits, national, unicode":       {`select B'1', N'\', U&'\', u&"\;"; select 2`, []string{`select B'1', N'\', U&'\', u&"\;"`, "select 2"}},
		"quoted identifier":             {`select "a;""b;"; select 2`, []string{`select "a;""b;"`, "select 2"}},
		"dollar":                        {"select $$;'$$, $é1$;$$;$é1$; select 2", []string{"select $$;'$$, $é1$;$$;$é1$", "select 2"}},
		"dollar in a word":              {"select a$b$ from t; select b$ from t", []string{"select a$b$ from t", "select b$ from t"}},
		"parameter, then dollar":        {"select $1$a$;$a$; select 2", []string{"select $1$a$;$a$", "select 2"}},
		"dollar that is no tag":         {"select $1, $-; select 2$", []string{"select $1, $-", "select 2$"}},
		"rule":                          {"create rule r as on insert to t do also (delete from a; delete from b); select 2", []string{"create rule r as on insert to t do also (delete from a; delete from b)", "select 2"}},
		"unbalanced close":              {"select 1); select (2)", []string{"select 1)", "select (2)"}},
		"unfinished string":             {"select 'a; select 2", []string{"select 'a; select 2"}},
		"unfinished dollar":             {"select $a$; $b$ select 2", []string{"select $a$; $b$ select 2"}},
		"unfinished comment":            {"select 1; select 2 /* ; select 3", []string{"select 1", "select 2"}},
		"unfinished escape":             {`select 1; select e'\`, []string{"select 1", `select e'\`}},
		"begin atomic": {
			"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; select 2",
			[]string{"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "select 2"},
		},
		"begin atomic procedure": {
			"create procedure p() begin atomic insert into t values (1); end; select 2",
			[]string{"create procedure p() begin atomic insert into t values (1); end", "select 2"},
		},
		"begin is not begin atomic": {"begin; create function f() returns int return 1; commit", []string{"begin", "create function f() returns int return 1", "commit"}},
		"a table named atomic":      {"create table begin_atomic(begin int, atomic int); select 2", []string{"create table begin_atomic(begin int, atomic int)", "select 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(script.Form{}.Split(c.sql))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSplitFindsWhatPsqlDoes(t *testing.T) {
	const sql = `\connect other
COPY public.t (a, b) FROM stdin WITH (FORMAT text);
1	it's; fine
\.
COPY (SELECT 1) TO STDOUT;
select 1 \gexec
copy t from stdin;
'
\.x
`
	type piece struct {
		Kind script.Kind
		Text string
		Line int
	}
	var got []piece
	for _, s := range (script.Form{}).Split(sql) {
		got = append(got, piece{s.Kind, s.Text, s.Line})
	}
	want := []piece{
		{script.Psql, `\connect other`, 1},
		{script.CopyIn, "COPY public.t (a, b) FROM stdin WITH (FORMAT text)", 2},
		{script.SQL, "COPY (SELECT 1) TO STDOUT", 5},
		{script.SQL, "select 1", 6},
		{script.Psql, `\gexec`, 6},
		{script.CopyIn, "copy t from stdin", 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlaces(t *testing.T) {
	const sql = "-- é\nselect 'é', 1;  select\n 2;\r\n  ä"
	var got []script.Statement
	for _, s := range (script.Form{}).Split(sql) {
		s.Text = ""
		got = append(got, s)
	}
	want := []script.Statement{
		{Start: 6, End: 20, Line: 2, Column: 1, EndLine: 2},
		{Start: 23, End: 32, Line: 2, Column: 17, EndLine: 3},
		{Start: 37, End: 39, Line: 4, Column: 3, EndLine: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for offset, want := range map[int][2]int{-1: {1, 1}, 0: {1, 1}, 6: {2, 1}, 33: {3, 4}, 1000: {4, 4}} {
		if line, column := script.Position(sql, offset); line != want[0] || column != want[1] {
			t.Errorf("Position(%d) = %d:%d, want %d:%d", offset, line, column, want[0], want[1])
		}
	}
}

// fragments are pieces of SQL that are hard to keep apart.
var fragments = []string{
	"select", " ", "\n", "\r", "1", ";", "'", "''", "\"", "E'", "e'a\\'b'", "$$", "$a$", "$1", "a$b$", "--", "-- x\n", "/*", "*/",
	"(", ")", "\\", "\\.\n", "create", "or replace", "function", "begin", "atomic", "case", "end", "copy t from stdin", "é", "U&'",
}

func TestStatementsAndGapsMakeTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sql := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 30).Draw(t, "parts"), rapid.SampledFrom([]string{"", " "}).Draw(t, "glue"))
		checkInvariants(t, sql)
	})
}

// checkInvariants holds for every text, SQL or not.
func checkInvariants(t interface {
	Helper()
	Fatalf(string, ...any)
}, sql string) {
	t.Helper()
	checkPlaces(t, sql, script.Form{}.Split(sql))
}

// checkPlaces says that statements lie in order and know where.
func checkPlaces(t interface {
	Helper()
	Fatalf(string, ...any)
}, sql string, statements []script.Statement) {
	t.Helper()
	last := 0
	for _, s := range statements {
		if s.Start < last || s.End <= s.Start || s.End > len(sql) || s.Text != sql[s.Start:s.End] {
			t.Fatalf("%q: statement out of place: %+v behind %d", sql, s, last)
		}
		if strings.TrimSpace(s.Text) == "" || s.Text == ";" {
			t.Fatalf("%q: empty statement %+v", sql, s)
		}
		if line, column := script.Position(sql, s.Start); line != s.Line || column != s.Column {
			t.Fatalf("%q: statement at %d:%d says %d:%d", sql, line, column, s.Line, s.Column)
		}
		if line, _ := script.Position(sql, s.End-1); line != s.EndLine {
			t.Fatalf("%q: statement ends in line %d, says %d", sql, line, s.EndLine)
		}
		last = s.End
	}
}

// valid are statements that PostgreSQL's grammar takes, free of its own ends.
var valid = []string{
	"select 1", "select 'a;''b'", `select E'\';'`, `select '\'`, "select $x$;$x$ -- ;\n + 1", `select "a;"`, "select /* ; /* ; */ */ 2",
	"create function f() returns int begin atomic select case when true then 1 else 2 end; select 3; end",
	"create rule r as on insert to t do also (delete from a; delete from b)",
	"do $do$ begin perform 1; end $do$", "select U&'\\0061;'", "select E'a'\n'\\';'", "select a$1 from t", "begin", "commit",
	"select 1 as \"end\"", "insert into t values (';', $$;$$)",
}

func TestSplitAgreesWithTheGrammar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SampledFrom(valid), 1, 8).Draw(t, "statements")
		sql := strings.Join(want, rapid.SampledFrom([]string{";", ";\n", " ;; ", "; -- c;\n"}).Draw(t, "between"))
		got := texts(script.Form{}.Split(sql))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s", diff)
		}
		oracle, err := pg_query.SplitWithParser(sql, true)
		if err != nil {
			t.Fatalf("the grammar refuses %q: %v", sql, err)
		}
		if len(oracle) != len(got) {
			t.Fatalf("the grammar sees %d statements, we see %d", len(oracle), len(got))
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, s := range append(fragments, valid...) {
		f.Add(s)
	}
	f.Add(strings.Join(valid, ";\n"))
	f.Fuzz(func(t *testing.T, sql string) {
		checkInvariants(t, sql)
		script.Form{}.Directives(sql, script.Form{}.Split(sql))
	})
}

func BenchmarkSplit(b *testing.B) {
	one := strings.Join(valid, ";\n") + ";\nALTER TABLE app.orders ADD COLUMN note text NOT NULL DEFAULT 'none'; -- why\n"
	sql := strings.Repeat(one, 4<<20/len(one))
	b.SetBytes(int64(len(sql)))
	for b.Loop() {
		script.Form{}.Split(sql)
	}
}
