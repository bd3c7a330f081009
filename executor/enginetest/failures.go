package enginetest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

// Rows that fail take those before them in their file with them.
func failureInTheMiddle(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_ok.sql":  "create table ok(id int primary key)",
		"2_bad.sql": "insert into ok values (1);\n\n  insert into ok values (1);\ninsert into ok values (2)",
		"3_no.sql":  "create table never(id int)",
	}
	result, err := b.ApplyFiles(files)
	failure := wantFailure(t, err, 2)
	want := &executor.Failure{Version: "2", Path: "2_bad.sql", Statement: 2, Line: 3, Code: fault.SQLError}
	if diff := cmp.Diff(want, failure, cmpopts.IgnoreFields(executor.Failure{}, "SQLState", "Message", "Detail", "Hint", "Err")); diff != "" {
		t.Error(diff)
	}
	if want := "2_bad.sql:3: statement 2: " + failure.Message + " (SQLSTATE " + failure.SQLState + ")"; err.Error() != want || !strings.HasPrefix(failure.SQLState, "23") {
		t.Errorf("Error() = %q, want %q", err, want)
	}
	wantOutcomes(t, result, "1 applied")
	b.WantTable("never", false)
	b.Want("select count(*) from ok", "0")
	b.WantStates(files, "1 applied 1/1\n2 pending 0/3\n3 pending 0/1")
	files["2_bad.sql"] = "insert into ok values (1)"
	b.MustApply(files)
	b.WantStates(files, "1 applied 1/1\n2 applied 1/1\n3 applied 1/1")
}

func onlyStatement(t *testing.T, b *Bench) {
	b.Exec("create table a(id int primary key, n int)", "insert into a values (1, 1), (5, 1)")
	for name, text := range map[string]string{
		"rows": "insert into a values (2), (1)", "schema": "create unique index nth on a(n)", "view": "create view v as select nothing from a",
		"a step": "-- shipsql: transaction=off\ncreate unique index nth on a(n)",
	} {
		_, err := b.ApplyFiles(map[string]string{"1_i.sql": text})
		if wantCode(t, err, fault.SQLError); t.Failed() {
			t.Fatal(name)
		}
		b.wantRows("version", "")
		b.wantNoSteps()
	}
	b.Want("select count(*) from a", "2")
	b.MustApply(map[string]string{"1_i.sql": "create index nth on a(n)"})
}

// What is done of a file in steps stays, and the corrected rest goes on behind
// it.
func goesOn(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_ok.sql":  "create table ok(id int)",
		"2_bad.sql": "-- shipsql: transaction=off\ncreate table stays(id int);\n\ninsert into nowhere values (1);\ncreate table later(id int);",
		"3_no.sql":  "create table never(id int)",
	}
	_, err := b.ApplyFiles(files)
	if failure := wantFailure(t, err, 2); failure.Version != "2" || failure.Line != 4 || !strings.Contains(failure.Message, "nowhere") {
		t.Errorf("failure %+v", failure)
	}
	b.WantTable("stays", true)
	b.WantTable("later", false)
	b.WantStates(files, "1 applied 1/1\n2 partial 1/3\n3 pending 0/1")
	wantCode(t, b.Skip(t.Context(), executor.Mark{Migrations: b.load(files)[1:2]}), fault.Conflict, "partly applied")

	good := files["2_bad.sql"]
	files["2_bad.sql"] = strings.Replace(good, "stays(id int)", "stays(id bigint)", 1)
	_, err = b.ApplyFiles(files)
	wantCode(t, err, fault.ChangedAfterApply)
	if failure := wantFailure(t, err, 1); failure.Line != 2 {
		t.Errorf("failure %+v", failure)
	}
	files["2_bad.sql"] = strings.Replace(good, "nowhere", "stays", 1)
	b.MustApply(files)
	b.WantTable("later", true)
	b.Want("select id from stays", "1")
	b.WantStates(files, "1 applied 1/1\n2 applied 3/3\n3 applied 1/1")
}

func lineOfTheFile(t *testing.T, b *Bench) {
	migrations := b.engine.loadAs(t, layout.Goose, map[string]string{"1_a.sql": "-- why\n-- +goose Up\nSELECT 1;\n\nSELECT nonsense;\n-- +goose Down\n"})
	_, err := b.Apply(t.Context(), executor.Run{Migrations: migrations, Limits: Quick})
	wantCode(t, err, fault.SQLError, "1_a.sql:5: statement 2: ")
}

// torn is a file of which nothing can tell what its second statement did.
const torn = "-- shipsql: transaction=off\ninsert into a values (0);\n\ncall torn();\ninsert into a values (2)"

func (b *Bench) makeTorn() {
	b.tb.Helper()
	b.Exec("create table a(n int)", b.engine.SQL.Torn)
}

// answers are the two that a question can have, and the rows that follow: the
// run that asked left 0 and 1.
var answers = map[executor.Answer]string{executor.ResolvedApplied: "0\n1\n2", executor.ResolvedRetry: "0\n1\n1\n2"}

func ambiguous(t *testing.T, b *Bench) {
	for answer, want := range answers {
		t.Run(string(answer), func(t *testing.T) {
			b := b.engine.NewBench(t)
			b.makeTorn()
			files := map[string]string{"1_a.sql": torn}
			for range 2 { // the question is asked again until it is answered
				_, err := b.ApplyFiles(files)
				if question := wantQuestion(t, err, "1#2"); question.Path != "1_a.sql" || question.Line != 4 {
					t.Errorf("question %+v", question)
				}
			}
			b.WantStates(files, "1 ambiguous 1/3")
			mark := executor.Mark{Actor: "ann", Reason: "looked"}
			wantCode(t, b.Resolve(t.Context(), executor.Resolution{Version: "1", N: 1, Answer: answer}, mark), fault.Conflict, "1#1 is not ambiguous")
			if err := b.Resolve(t.Context(), executor.Resolution{Version: "1", N: 2, Answer: answer}, mark); err != nil {
				t.Fatal(err)
			}
			b.Exec(b.engine.SQL.Mended)
			b.MustApply(files)
			b.Want("select n from a order by 1", want)
			b.wantRows("note", "#2 resolved as "+string(answer)+" by ann: looked")
		})
	}
}

func answeredWithTheRun(t *testing.T, b *Bench) {
	b.makeTorn()
	run := executor.Run{Migrations: b.load(map[string]string{"1_a.sql": torn}), Limits: Quick}
	_, err := b.Apply(t.Context(), run)
	_ = wantQuestion(t, err, "1#2")
	run.Resolve = []executor.Resolution{{Version: "1", N: 2, Answer: executor.ResolvedApplied}}
	for range 2 { // an answer that was taken is no longer asked for
		b.mustRun(run)
	}
	b.Want("select n from a order by 1", "0\n1\n2")
}
