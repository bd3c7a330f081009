package script_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/script"
)

var mysqlForm = script.Form{Dialect: script.MySQL}

func TestSplitMySQL(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		want []string
	}{
		"nothing":                     {" \n-- only a comment;\n# ; \n/* ; */ ;; ", nil},
		"two, the last without end":   {"select 1;\n\nselect 2", []string{"select 1", "select 2"}},
		"dashes need a blank":         {"select 1--1;select 2 -- ;\n;select 3 --\t;\n--", []string{"select 1--1", "select 2", "select 3"}},
		"comments don't nest":         {"select 1 /* a /* ; */ ; select 2 /*/;*/", []string{"select 1", "select 2"}},
		"hash":                        {"select 1 # it's;\n;select '#;'", []string{"select 1", "select '#;'"}},
		"backslashes":                 {`select 'a\';', "b\";", 'c\\';select 2`, []string{`select 'a\';', "b\";", 'c\\'`, "select 2"}},
		"doubled quotes":              {"select 'a'';', \"b\"\";\", `c``;`;select 2", []string{"select 'a'';', \"b\"\";\", `c``;`", "select 2"}},
		"no backslash in names":       {"select `a\\`;select 2", []string{"select `a\\`", "select 2"}},
		"version comments":            {"/*!80000 set a = ';' */; /*M!100100 select ';' ; */ select 2; select 3", []string{"/*!80000 set a = ';' */", "/*M!100100 select ';' ; */ select 2", "select 3"}},
		"hints are comments":          {"select /*+ MAX_EXECUTION_TIME(1) ; */ 1; select 2", []string{"select /*+ MAX_EXECUTION_TIME(1) ; */ 1", "select 2"}},
		"begin is a transaction":      {"begin; insert into t values (1); commit; begin work; rollback", []string{"begin", "insert into t values (1)", "commit", "begin work", "rollback"}},
		"not atomic is a block":       {"begin not atomic select 1; if 1 then select 2; end if; end; select 3", []string{"begin not atomic select 1; if 1 then select 2; end if; end", "select 3"}},
		"bare flow":                   {"if 1 then select 1; else select 2; end if; while 0 do select 1; end while; select 3", []string{"if 1 then select 1; else select 2; end if", "while 0 do select 1; end while", "select 3"}},
		"delimiter":                   {"DELIMITER //\ncreate procedure p() begin select 1; end//\nselect 1; select 2 //\ndelimiter ;\nselect 3;", []string{"create procedure p() begin select 1; end", "select 1; select 2", "select 3"}},
		"dollar delimiter":            {"delimiter $$\nselect 1$$ select '$$'$$\ncreate procedure p() begin end$$\ndelimiter ;", []string{"select 1", "select '$$'", "create procedure p() begin end"}},
		"quoted delimiter, CRLF":      {"delimiter '|' ignored\r\nselect 1;|\r\ndelimiter ;\r\nselect 2;\r\n", []string{"select 1;", "select 2"}},
		"a word as delimiter":         {"delimiter GO\nselect category from GOALS\nGO\ndelimiter ;\n", []string{"select category from GOALS"}},
		"delimiter in a comment":      {"-- delimiter //\nselect 1; select delimiter from t", []string{"select 1", "select delimiter from t"}},
		"not a client's command":      {"connect.t; status = 1; show status; select 1", []string{"connect.t", "status = 1", "show status", "select 1"}},
		"NULL by backslash":           {`select \N; select 2`, []string{`select \N`, "select 2"}},
		"unfinished string":           {"select 'a; select 2", []string{"select 'a; select 2"}},
		"unfinished escape":           {`select 1; select 'a\`, []string{"select 1", `select 'a\`}},
		"unfinished comment":          {"select 1; select 2 /* ; select 3", []string{"select 1", "select 2"}},
		"unfinished version":          {"select 1; /*! select 2; select 3", []string{"select 1", "/*! select 2; select 3"}},
		"unfinished body":             {"create procedure p() begin select 1; select 2", []string{"create procedure p() begin select 1; select 2"}},
		"tables called like keywords": {"create table begin (`if` int); select end, case when 1 then 2 end from begin; drop table if exists x", []string{"create table begin (`if` int)", "select end, case when 1 then 2 end from begin", "drop table if exists x"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(mysqlForm.Split(c.sql))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// programs are whole statements whose semicolons don't end them.
var programs = []string{
	"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
	"CREATE DEFINER=`root`@`%` PROCEDURE app.p(IN a INT, OUT b VARCHAR(10)) COMMENT 'x;' MODIFIES SQL DATA main: BEGIN DECLARE x INT DEFAULT 1; LEAVE main; END",
	"create or replace definer = root@localhost procedure p() begin if a then select 1; elseif b then select 2; else select 3; end if; end",
	"CREATE PROCEDURE IF NOT EXISTS p() SELECT IF(a, 1, 2), REPEAT('x', 2) FROM t",
	"CREATE PROCEDURE p() UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END",
	"CREATE PROCEDURE p() IF 1 THEN SELECT 1; END IF",
	"CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN SELECT 1; ELSE BEGIN END; END CASE; CASE WHEN b THEN SELECT CASE c WHEN 1 THEN 2 END; END CASE; END",
	"CREATE PROCEDURE p() BEGIN l: LOOP SET a = a + 1; IF a > 3 THEN LEAVE l; END IF; END LOOP l; REPEAT SET a = IF(a, 1, 2); UNTIL a END REPEAT; WHILE a DO DO SLEEP(IF(a, 1, 0)); SET a = 0; END WHILE; END",
	"CREATE PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = IF(a, 1, 2); DECLARE EXIT HANDLER FOR SQLEXCEPTION, SQLSTATE '23000' BEGIN ROLLBACK; RESIGNAL; END; SELECT 1; END",
	"CREATE PROCEDURE p() BEGIN DECLARE c CURSOR FOR SELECT begin, end FROM spans; OPEN c; SELECT end FROM spans; DROP TABLE IF EXISTS x; END",
	"CREATE PROCEDURE p() BEGIN FOR i IN 1..3 DO INSERT INTO t VALUES (i); END FOR; END",
	"CREATE FUNCTION f(a INT) RETURNS VARCHAR(10) CHARACTER SET utf8mb4 DETERMINISTIC RETURN IF(a, CASE a WHEN 1 THEN 'x' END, 'y')",
	"CREATE FUNCTION f(a INT) RETURNS INT READS SQL DATA BEGIN DECLARE r INT; SELECT 1 INTO r; RETURN r; END",
	"CREATE AGGREGATE FUNCTION f(x INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN 1; LOOP FETCH GROUP NEXT ROW; END LOOP; END",
	"CREATE FUNCTION f RETURNS STRING SONAME 'udf.so'",
	"CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE JAVASCRIPT AS $js$ if (a) { return 1; } /* ' */ $js$",
	"CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = IF(NEW.a > 0, NEW.a, 0)",
	"CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW FOLLOWS other IF NEW.a THEN SET NEW.a = 1; END IF",
	"CREATE TRIGGER `t;` AFTER DELETE ON begin FOR EACH ROW BEGIN /* END; */ DELETE FROM y; -- END;\n END",
	"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t AFTER UPDATE ON x FOR EACH ROW BEGIN SELECT 1; END */",
	"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS IF(1, NOW(), NOW()) DO BEGIN DELETE FROM t; DELETE FROM u; END",
	"ALTER EVENT e ON SCHEDULE EVERY 2 DAY DO UPDATE t SET a = IF(b, 1, 2)",
	"CREATE PROCEDURE p AS x INT := 1; BEGIN SELECT x; EXCEPTION WHEN OTHERS THEN IF x THEN NULL; END IF; END",
	"CREATE PACKAGE pk AS PROCEDURE a; FUNCTION b RETURN INT; END",
	"CREATE PACKAGE BODY pk AS v INT := 0; PROCEDURE a AS x INT; BEGIN WHILE x LOOP SET x = 1; END LOOP; END; FUNCTION b RETURN INT IS BEGIN RETURN 1; END; BEGIN v := 1; END",
	"SET STATEMENT max_statement_time = 1 FOR SELECT 1",
	"BEGIN NOT ATOMIC SELECT 1; END",
}

func TestBodiesEndWhereTheProgramDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SampledFrom(programs), 1, 6).Draw(t, "programs")
		sql := strings.Join(want, rapid.SampledFrom([]string{";", ";\n", " ;; ", "; -- c;\n", ";#\n"}).Draw(t, "between"))
		if diff := cmp.Diff(want, texts(mysqlForm.Split(sql))); diff != "" {
			t.Fatal(diff)
		}
		marked := "DELIMITER //\n" + strings.Join(want, " //\n") + "//\nDELIMITER ;\n"
		if diff := cmp.Diff(want, texts(mysqlForm.Split(marked))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCommandsOfMySQLsClientStandApart(t *testing.T) {
	const sql = "source other.sql\n  \\. more.sql \r\nselect 1\\G\nselect 2; quit;\ndelimiter\nuse app;\n"
	type piece struct {
		Kind script.Kind
		Text string
		Line int
	}
	var got []piece
	for _, s := range mysqlForm.Split(sql) {
		got = append(got, piece{s.Kind, s.Text, s.Line})
	}
	want := []piece{
		{script.Client, "source other.sql", 1},
		{script.Client, `\. more.sql`, 2},
		{script.SQL, "select 1", 3},
		{script.Client, `\G`, 3},
		{script.SQL, "select 2", 4},
		{script.Client, "quit;", 4},
		{script.Client, "delimiter", 5},
		{script.SQL, "use app", 6},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFormsNameTheirDelimiter(t *testing.T) {
	for name, c := range map[string]struct {
		form script.Form
		sql  string
		want []string
	}{
		"mysql":              {script.Form{Dialect: script.MySQL, Delimiter: "//"}, "select 1; //\nselect '//' // select 3", []string{"select 1;", "select '//'", "select 3"}},
		"mysql, empty lines": {script.Form{Dialect: script.MySQL, Delimiter: "\n\n"}, "select 1;\nselect 2\n\n\nselect 3\n", []string{"select 1;\nselect 2", "select 3"}},
		"mysql, GO":          {script.Form{Dialect: script.MySQL, Delimiter: "GO"}, "select a from GOALS where x = 1\nGO\nselect 2;\nGO", []string{"select a from GOALS where x = 1", "select 2;"}},
		"postgres":           {script.Form{Delimiter: "--end"}, "select (1; --end\nselect '--end'; --end", []string{"select (1;", "select '--end';"}},
		"postgres, lines":    {script.Form{Delimiter: "\n\n\n"}, "begin;\n\nselect $$\n\n\n$$;\n\n\nselect 2", []string{"begin;\n\nselect $$\n\n\n$$;", "select 2"}},
		"postgres, GO":       {script.Form{Dialect: script.Postgres, Delimiter: "GO"}, "select go, GOAL\nGO\nselect 2", []string{"select go, GOAL", "select 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, texts(c.form.Split(c.sql))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBlocksBindOneStatement(t *testing.T) {
	const sql = `-- +goose Up
select 1;
-- +goose StatementBegin
create function f() begin; select 1; x;
-- inside
select 2;
-- +goose StatementEnd
select 3; select 4
-- +goose StatementBegin
;; select 5;
`
	want := []string{"select 1", "create function f() begin; select 1; x;\n-- inside\nselect 2", "select 3", "select 4", "select 5"}
	for _, dialect := range []script.Dialect{script.Postgres, script.MySQL} {
		if diff := cmp.Diff(want, texts(script.Form{Dialect: dialect, Blocks: true}.Split(sql))); diff != "" {
			t.Errorf("%s: %s", dialect, diff)
		}
		if got := (script.Form{Dialect: dialect}).Split("select 1;\n-- +goose StatementBegin\nselect 2; select 3;"); len(got) != 3 {
			t.Errorf("%s: annotations bind in a file that has none: %d statements", dialect, len(got))
		}
	}
}

func TestDirectivesOfAMySQLFile(t *testing.T) {
	const sql = "-- shipsql: kind=ddl\nselect 'it\\'s' # -- shipsql: not=this\n;\n-- shipsql: lock_timeout=1s\nselect '\n-- shipsql: nor=this\n';"
	got, faults := mysqlForm.Directives(sql, mysqlForm.Split(sql))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []script.Directive{
		{Key: "kind", Value: "ddl", Statement: script.WholeFile, Line: 1, Column: 13},
		{Key: "lock_timeout", Value: "1s", Statement: 1, Line: 4, Column: 13},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// mysqlFragments are pieces of SQL that are hard to keep apart.
var mysqlFragments = []string{
	"select", " ", "\n", "\r", "1", ";", "'", "''", "\"", "`", "\\", "\\'", "\\N", "\\.", "#", "--", "-- x\n", "/*", "*/", "/*!", "/*!50003 ", "/*M!",
	"(", ")", "delimiter //\n", "DELIMITER ;\n", "//", "source x", "create", "or replace", "procedure p()", "function f()", "trigger t", "for each row",
	"begin", "not atomic", "case", "end", "if", "then", "else", "loop", "repeat", "until", "do", "while", "declare handler for", "package", "as", "$$", "$a$",
	"-- +goose StatementBegin\n", "-- +goose StatementEnd\n", ":", "@", ".", "é", "\n\n", "GO",
}

func drawForm(t *rapid.T) script.Form {
	return script.Form{
		Dialect:   rapid.SampledFrom([]script.Dialect{script.Postgres, script.MySQL}).Draw(t, "dialect"),
		Delimiter: rapid.SampledFrom([]string{"", "", "//", "GO", "\n\n", "é"}).Draw(t, "delimiter"),
		Blocks:    rapid.Bool().Draw(t, "blocks"),
	}
}

func TestAnyTextInAnyFormKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(mysqlFragments), 0, 40).Draw(t, "parts")
		sql := strings.Join(parts, rapid.SampledFrom([]string{"", " "}).Draw(t, "glue"))
		checkForm(t, drawForm(t), sql)
	})
}

// checkForm holds for every text, SQL or not, in every form: statements in
// order, and between them only what belongs to none; what was taken apart and
// is put together again comes apart in the same way.
func checkForm(t interface {
	Helper()
	Fatalf(string, ...any)
}, f script.Form, sql string) {
	t.Helper()
	statements := f.Split(sql)
	checkPlaces(t, sql, statements)
	f.Directives(sql, statements)
	// A gap means the same alone, unless a DELIMITER line or a version comment
	// before it reaches into it.
	if f.Dialect != script.MySQL || f.Delimiter != "" || strings.Contains(strings.ToLower(sql), "delimiter") || strings.Contains(sql, "!") {
		return
	}
	last := 0
	for _, s := range append(statements, script.Statement{Start: len(sql), End: len(sql)}) {
		if gap := f.Split(sql[last:s.Start]); len(gap) > 0 {
			t.Fatalf("%q: %q was lost between statements", sql, gap[0].Text)
		}
		last = s.End
	}
}

func TestWhatComesApartComesApartAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(mysqlFragments), 0, 40).Draw(t, "parts")
		var want []string
		for _, s := range mysqlForm.Split(strings.Join(parts, " ")) {
			if s.Kind == script.SQL && complete(s.Text) {
				want = append(want, s.Text)
			}
		}
		got := texts(mysqlForm.Split("delimiter ☃\n" + strings.Join(want, "\n☃\n")))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// complete says that a statement leaves no quote or comment open, nor a line
// of the client's when it stands alone.
func complete(sql string) bool {
	pieces := script.Form{Dialect: script.MySQL, Delimiter: "☃"}.Split(sql + "\n☃ select 1")
	return len(pieces) == 2 && pieces[0].Kind == script.SQL && pieces[0].Text == sql
}

func FuzzSplitMySQL(f *testing.F) {
	for _, s := range append(mysqlFragments, programs...) {
		f.Add(s)
	}
	f.Add(strings.Join(programs, ";\n"))
	f.Fuzz(func(t *testing.T, sql string) { checkForm(t, mysqlForm, sql) })
}

func TestSplittingTakesLinearTime(t *testing.T) {
	for _, piece := range []string{"'", "`", "/*", "*/", "/*!", "begin not atomic ", "create procedure p() case ", "case ", "delimiter x\n", "\n", "a", ";", "$", "as $", "\\", "--"} {
		for _, f := range []script.Form{mysqlForm, {Dialect: script.MySQL, Delimiter: "aab"}, {Delimiter: "\n\n$"}} {
			start := time.Now()
			f.Split("create procedure p() begin " + strings.Repeat(piece, 1<<20/len(piece)))
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("1 MiB of %q took %s", piece, took)
			}
		}
	}
}

func BenchmarkSplitMySQL(b *testing.B) {
	one := strings.Join(programs, ";\n") + ";\nALTER TABLE app.orders ADD COLUMN note text NOT NULL DEFAULT 'none'; -- why\n"
	sql := strings.Repeat(one, 4<<20/len(one))
	b.SetBytes(int64(len(sql)))
	for b.Loop() {
		mysqlForm.Split(sql)
	}
}
