package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// reversible is a folder whose down texts count, too.
func reversible() map[string]string {
	return map[string]string{
		"1_a.up.sql":   "create table a(id int, n int); insert into a values (1, 0)",
		"2_b.up.sql":   "update a set n = n + 1;",
		"2_b.down.sql": "update a set n = n + 10;",
		"3_c.up.sql":   "update a set n = n + 100; alter table a add column m int",
		"3_c.down.sql": "update a set n = n + 1000;\nalter table a drop column m;\nupdate a set n = n + 10000;",
	}
}

// undo takes versions of a folder back.
func (b *Bench) undo(files map[string]string, versions ...string) (executor.Result, error) {
	b.tb.Helper()
	undone := slices.DeleteFunc(b.load(files), func(m executor.Migration) bool { return !slices.Contains(versions, m.Version) })
	return b.Undo(b.tb.Context(), executor.Run{Migrations: undone, Limits: Quick, Actor: "ann", Release: "R2", ToolVersion: "v2"})
}

func newestFirst(t *testing.T, b *Bench) {
	files := reversible()
	b.MustApply(files)
	got, err := b.undo(files, "2", "3")
	if err != nil {
		t.Fatal(Explain(err))
	}
	want := executor.Result{Outcomes: []executor.Outcome{
		{Version: "3", Path: "3_c.up.sql", Kind: executor.Undone, Statements: 3}, {Version: "2", Path: "2_b.up.sql", Kind: executor.Undone, Statements: 1},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(executor.Outcome{}, "Duration", "Notes")); diff != "" {
		t.Error(diff)
	}
	b.Want("select n from a", "11111")
	b.wantRows("version, state, actor, tool_version", "1|applied||\n2|undone|ann|v2\n3|undone|ann|v2")
	b.Want("select count(*) from "+b.ledger("steps")+" where version <> '1'", "0")
	b.WantStates(files, "1 applied 2/2\n2 undone 0/1\n3 undone 0/2")
	again, err := b.undo(files, "2", "3")
	if wantOutcomes(t, again, "3 already_undone, 2 already_undone"); err != nil {
		t.Error(err)
	}
	b.Want("select n from a", "11111")

	files["2_b.up.sql"] = "update a set n = n + 2;" // what was undone may be rewritten
	b.MustApply(files)
	b.Want("select n from a", "11213")
	b.WantStates(files, "1 applied 2/2\n2 applied 1/1\n3 applied 2/2")
}

func undoRefusals(t *testing.T, b *Bench) {
	files := reversible()
	files["4_d.up.sql"], files["4_d.down.sql"] = "-- shipsql: transaction=off\ninsert into a(id, n) values (4, 4);\ninsert into nowhere values (1)", "select 1"
	files["5_e.up.sql"], files["5_e.down.sql"] = "select 5", "select 1"
	folder := b.load(files)
	_, err := b.ApplyFiles(files)
	_ = wantFailure(t, err, 2)
	refuse := func(code fault.Code, words string, run executor.Run) {
		t.Helper()
		_, err := b.Undo(t.Context(), run)
		wantCode(t, err, code, words)
	}
	refuse(fault.Unsupported, "1_a.up.sql: version 1 has no text that undoes it", executor.Run{Migrations: folder[:3]})
	refuse(fault.Conflict, "version 4 is partly applied (1 statement done), so it can't be undone", executor.Run{Migrations: folder[1:4]})
	refuse(fault.Conflict, "version 5 is not applied here", executor.Run{Migrations: folder[4:]})
	refuse(fault.OutOfOrder, "version 3 was applied after version 2", executor.Run{Migrations: folder[1:2], Folder: folder[:3]})
	comment := b.load(map[string]string{"2_b.up.sql": files["2_b.up.sql"], "2_b.down.sql": "-- there is no way back\n;\n"})
	refuse(fault.Unsupported, "version 2 has no text that undoes it", executor.Run{Migrations: comment})
	edited := b.load(map[string]string{"2_b.up.sql": "select 2", "2_b.down.sql": "select 1"})
	refuse(fault.ChangedAfterApply, "version 2 was applied with another text", executor.Run{Migrations: edited})
	if err := b.Skip(t.Context(), executor.Mark{Migrations: folder[4:], Actor: "ann", Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	refuse(fault.Conflict, "version 5 is recorded as skipped", executor.Run{Migrations: folder[4:]})
	b.Want("select n from a where id = 1", "101")
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: folder[1:2], Folder: folder, OutOfOrder: true}); err != nil {
		t.Error(err)
	}
	b.Want("select sum(n) from a", "125")
}

func undoFailed(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_a.up.sql": "create table a(n int)", "1_a.down.sql": "insert into a values (1);\n\ninsert into a(nothing) values (2);",
		"2_b.up.sql": "create table b(n int)", "2_b.down.sql": "-- shipsql: transaction=off\ncreate unique index nth on b(n)",
	}
	b.MustApply(files)
	b.Exec("insert into b values (1), (1)")
	_, err := b.undo(files, "1")
	if failure := wantFailure(t, err, 2); failure.Path != "1_a.down.sql" || failure.Line != 3 {
		t.Errorf("failure %+v", failure)
	}
	_, err = b.undo(files, "2")
	_ = wantFailure(t, err, 1)
	b.Want("select count(*) from a", "0")
	b.wantRows("state", "applied\napplied")
	b.WantStates(files, "1 applied 1/1\n2 applied 1/1")
}

func undoGoesOn(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_a.up.sql":   "create table a(n int)",
		"1_a.down.sql": "-- shipsql: transaction=off\ninsert into a values (1);\ninsert into fuse values (1);\ninsert into a values (2)",
	}
	b.MustApply(files)
	_, err := b.undo(files, "1")
	_ = wantFailure(t, err, 2)
	b.WantStates(files, "1 partial 1/3")
	if e := b.entries(b.load(files))[0]; e.Note != "its undo is under way, 1 of 3 statements done; go on with shipsql migrate down" {
		t.Errorf("note %q", e.Note)
	}
	_, err = b.ApplyFiles(files)
	wantCode(t, err, fault.Conflict, "partly undone (1 statement of", "shipsql migrate down")
	files["1_a.down.sql"] = strings.Replace(files["1_a.down.sql"], "fuse", "a", 1)
	if _, err := b.undo(files, "1"); err != nil {
		t.Fatal(Explain(err))
	}
	b.Want("select n from a order by n", "1\n1\n2")
	b.wantRows("state", "undone")
	b.wantNoSteps()
	b.Exec("drop table a")
	b.MustApply(files)
	b.wantRows("state", "applied")
}

func undoAmbiguous(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.up.sql": "insert into a values (-1)", "1_a.down.sql": torn}
	for answer, want := range answers {
		t.Run(string(answer), func(t *testing.T) {
			b := b.engine.NewBench(t)
			b.makeTorn()
			b.MustApply(files)
			for range 2 {
				_, err := b.undo(files, "1")
				if question := wantQuestion(t, err, "1#2"); question.Path != "1_a.down.sql" || question.Line != 4 {
					t.Errorf("question %+v", question)
				}
			}
			b.WantStates(files, "1 ambiguous 1/3")
			if e := b.entries(b.load(files))[0]; !strings.Contains(e.Note, "answer with shipsql migrate resolve '1#2' applied, or retry") {
				t.Errorf("note %q", e.Note)
			}
			if err := b.Resolve(t.Context(), executor.Resolution{Version: "1", N: 2, Answer: answer}, executor.Mark{}); err != nil {
				t.Fatal(err)
			}
			b.wantRows("state", "partial")
			b.Exec(b.engine.SQL.Mended)
			if _, err := b.undo(files, "1"); err != nil {
				t.Fatal(Explain(err))
			}
			b.Want("select n from a order by n", "-1\n"+want)
			b.wantRows("state", "undone")
		})
	}
}

// undoAmbiguousAtOnce has the first statement of an undo ask. When nothing of it
// took effect, the migration is what it was.
func undoAmbiguousAtOnce(t *testing.T, b *Bench) {
	b.makeTorn()
	files := map[string]string{"1_a.up.sql": "insert into a values (-1)", "1_a.down.sql": "-- shipsql: transaction=off\ncall torn()"}
	b.MustApply(files)
	_, err := b.undo(files, "1")
	_ = wantQuestion(t, err, "1#1")
	if err := b.Resolve(t.Context(), executor.Resolution{Version: "1", N: 1, Answer: executor.ResolvedRetry}, executor.Mark{}); err != nil {
		t.Fatal(err)
	}
	b.WantStates(files, "1 applied 1/1")
	b.MustApply(files)
	b.Exec(b.engine.SQL.Mended)
	if _, err := b.undo(files, "1"); err != nil {
		t.Fatal(Explain(err))
	}
	b.wantRows("state", "undone")
	b.Want("select count(*) from a where n = -1", "1")
}

// A baseline is undone like what ran here; a skip replaces what was undone.
func undoBaseline(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)")
	migrations := b.load(map[string]string{"1_a.up.sql": "create table a(n int)", "1_a.down.sql": "drop table a"})
	if err := b.Baseline(t.Context(), executor.Mark{Migrations: migrations}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: migrations}); err != nil {
		t.Fatal(Explain(err))
	}
	b.WantTable("a", false)
	if err := b.Skip(t.Context(), executor.Mark{Migrations: migrations, Reason: "not here"}); err != nil {
		t.Fatal(err)
	}
	b.wantRows("state", "skipped")
}
