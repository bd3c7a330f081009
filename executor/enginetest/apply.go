package enginetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

func onceInOrder(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_a.sql":  "create table a(id int primary key); insert into a values (1);",
		"10_c.sql": "insert into a select max(id) + 1 from a;\ninsert into a select max(id) + 1 from a",
		"9_b.sql":  "update a set id = id + 10",
	}
	var events []string
	got := b.mustRun(executor.Run{
		Migrations: b.load(files), Release: "01R", Actor: "ann", ToolVersion: "v1",
		Progress: func(e executor.Event) { events = append(events, e.Version+" "+string(e.State)) },
	})
	want := executor.Result{Outcomes: []executor.Outcome{
		{Version: "1", Path: "1_a.sql", Kind: executor.Applied, Statements: 2},
		{Version: "9", Path: "9_b.sql", Kind: executor.Applied, Statements: 1},
		{Version: "10", Path: "10_c.sql", Kind: executor.Applied, Statements: 2},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(executor.Outcome{}, "Duration")); diff != "" {
		t.Error(diff)
	}
	if want := "1 running 1 done 1 running 1 done 1 applied 9 running 9 done 9 applied 10 running 10 done 10 running 10 done 10 applied"; strings.Join(events, " ") != want {
		t.Errorf("events: %v", events)
	}
	b.Want("select id from a order by 1", "11\n12\n13")
	b.wantRows("version, state, actor, tool_version, case when finished_at > started_at then 1 end", "1|applied|ann|v1|1\n10|applied|ann|v1|1\n9|applied|ann|v1|1")
	b.Want("select format, epoch from "+b.ledger("meta"), "1|1")
	for _, e := range b.entries(b.load(files)) {
		if e.Release != "01R" || e.Actor != "ann" || e.Duration <= 0 || e.AppliedAt.IsZero() {
			t.Errorf("entry %+v", e)
		}
	}
	wantOutcomes(t, b.MustApply(files), "1 already_applied, 9 already_applied, 10 already_applied")
	b.Want("select count(*) from a", "3")
	b.WantStates(files, "1 applied 2/2\n9 applied 1/1\n10 applied 2/2")
}

func edited(t *testing.T, b *Bench) {
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	files := map[string]string{"1_a.sql": "create table a(id int)", "2_b.sql": "create table b(n int)"}
	_, err := b.ApplyFiles(files)
	wantCode(t, err, fault.ChangedAfterApply, "1_a.sql")
	b.WantTable("b", false) // a stop comes before anything ran
	b.WantStates(files, "1 changed 1/1\n2 pending 0/1")

	migrations := b.load(files)
	result := b.mustRun(executor.Run{Migrations: migrations, Accept: map[string]string{"1": migrations[0].Checksum}})
	if wantOutcomes(t, result, "1 already_applied, 2 applied"); len(result.Outcomes[0].Notes) == 0 {
		t.Error("the result does not say that the edit was accepted")
	}
	b.MustApply(files) // the ledger remembers that it was accepted
	b.WantStates(files, "1 applied 1/1\n2 applied 1/1")
	b.Want("select n from a", "") // what was applied stays
	files["1_a.sql"] = "create table a(id bigint)"
	_, err = b.ApplyFiles(files)
	wantCode(t, err, fault.ChangedAfterApply)
}

func outOfOrder(t *testing.T, b *Bench) {
	b.MustApply(map[string]string{"2_b.sql": "create table b(n int)"})
	late := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	_, err := b.ApplyFiles(late)
	wantCode(t, err, fault.OutOfOrder, "1_a.sql")
	b.WantTable("a", false)
	b.mustRun(executor.Run{Migrations: b.load(late), OutOfOrder: true})
	b.WantTable("a", true)
}

// A file that is gone stops nobody; one with another name is the same version.
func missingAndRenamed(t *testing.T, b *Bench) {
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"})
	now := map[string]string{"2_renamed.sql": "create table b(n int)", "3_c.sql": "create table c(n int)"}
	wantOutcomes(t, b.MustApply(now), "2 already_applied, 3 applied")
	b.WantStates(now, "1 missing 0/0\n2 applied 1/1\n3 applied 1/1")
}

// flyway is a folder with a repeatable view over some rows.
func flyway(view string) map[string]string {
	return map[string]string{
		"V1__users.sql": "CREATE TABLE users (id bigint PRIMARY KEY);", "V9__name.sql": "ALTER TABLE users ADD COLUMN name text;",
		"V10__fill.sql": "INSERT INTO users (id) VALUES (1);\nINSERT INTO users (id) VALUES (2);", "R__ids.sql": view,
	}
}

const repeatableRow = "R__ids"

func (b *Bench) applyFlyway(view string) (executor.Result, error) {
	b.tb.Helper()
	return b.Apply(b.tb.Context(), executor.Run{Migrations: b.engine.loadAs(b.tb, layout.Flyway, flyway(view)), Limits: Quick})
}

func (b *Bench) repeatableState() string {
	return b.Query("select state, checksum from " + b.ledger("migrations") + " where kind = 'repeatable' and version = '" + repeatableRow + "'")
}

func repeatable(t *testing.T, b *Bench) {
	const first, second = "CREATE OR REPLACE VIEW ids AS SELECT id FROM users", "CREATE OR REPLACE VIEW ids AS SELECT id, name FROM users"
	for _, step := range []struct{ view, want string }{
		{first, "1 applied, 9 applied, 10 applied, R__ids applied"},
		{first, "1 already_applied, 9 already_applied, 10 already_applied, R__ids already_applied"},
		{"CREATE OR REPLACE VIEW ids AS SELECT nonsense FROM users", ""},
		{second, "1 already_applied, 9 already_applied, 10 already_applied, R__ids applied"},
		{second, "1 already_applied, 9 already_applied, 10 already_applied, R__ids already_applied"},
	} {
		before := ""
		if step.want == "" {
			before = b.repeatableState()
		}
		result, err := b.applyFlyway(step.view)
		switch {
		case step.want == "": // the old text's row and effect stay
			_ = wantFailure(t, err, 1)
			if got := b.repeatableState(); got != before {
				t.Errorf("the row was %s and is %s", before, got)
			}
			b.Want("select id from ids order by id", "1\n2")
		case err != nil:
			t.Fatal(Explain(err))
		default:
			wantOutcomes(t, result, step.want)
		}
	}
	b.Want("select id, name from ids order by id", "1|NULL\n2|NULL")
}

// A text in steps replaces the old row before its first step, and goes on where
// it stopped.
func repeatableInSteps(t *testing.T, b *Bench) {
	const text = "-- shipsql: transaction=off\nINSERT INTO users (id) VALUES (3);\n"
	if _, err := b.applyFlyway("INSERT INTO users (id) VALUES (0)"); err != nil {
		t.Fatal(Explain(err))
	}
	_, err := b.applyFlyway(text + "INSERT INTO nowhere VALUES (1)")
	_ = wantFailure(t, err, 2)
	if got := b.repeatableState(); !strings.HasPrefix(got, "partial|") {
		t.Errorf("the row is %s", got)
	}
	if _, err := b.applyFlyway(text + "INSERT INTO users (id) VALUES (4)"); err != nil {
		t.Fatal(Explain(err))
	}
	b.Want("select id from users order by id", "0\n1\n2\n3\n4")
	if got := b.repeatableState(); !strings.HasPrefix(got, "applied|") {
		t.Errorf("the row is %s", got)
	}
}

func wrapper(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)")
	result := b.MustApply(map[string]string{"1_a.sql": "-- old style\nBEGIN;\ninsert into a values (1);\ninsert into a values (2);\nCOMMIT;\n"})
	if notes := result.Outcomes[0].Notes; len(notes) != 1 || !strings.Contains(notes[0], "BEGIN … COMMIT") {
		t.Errorf("notes %q", notes)
	}
	b.wantRows("state", "applied")
	b.Want("select count(*) from a", "2")
}

func stillMine(t *testing.T, b *Bench) {
	lost := fault.New(fault.Conflict, "the job went to another worker")
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	asked := 0
	result, err := b.Apply(t.Context(), executor.Run{Migrations: b.load(files), StillMine: func(context.Context) error {
		if asked++; asked == 3 { // after the lock, before 1, before 2
			return lost
		}
		return nil
	}})
	if !errors.Is(err, lost) {
		t.Fatalf("error %v", err)
	}
	wantOutcomes(t, result, "1 applied")
	b.WantStates(files, "1 applied 1/1\n2 pending 0/1")
	b.WantTable("b", false)
}

func histories(_ *testing.T, b *Bench) {
	migrations := b.load(map[string]string{"1_a.sql": "create table if not exists counter(n int); insert into counter values (1)"})
	for _, history := range []string{"", "billing", "default", "billing"} {
		b.mustRun(executor.Run{Migrations: migrations, History: history})
	}
	b.Want("select history from "+b.ledger("migrations")+" order by 1", "billing\ndefault")
	b.Want("select count(*) from counter", "2")
}
