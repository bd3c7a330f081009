package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
)

// versionsOf are the migrations that a release runs.
func versionsOf(r deploy.Release) (all []string) {
	for _, m := range r.Migrations {
		if !m.Broken && !m.Withdrawn {
			all = append(all, m.Version)
		}
	}
	return all
}

// problems are a release's open problems with their texts.
func (h *harness) problems(id string) (texts []string) {
	h.t.Helper()
	r, err := h.service.Release(h.ctx, id)
	h.must(err)
	for _, p := range r.Problems {
		if p.Answer == nil {
			texts = append(texts, string(p.Code)+" "+p.Path+" "+p.Version+": "+p.Text)
		}
	}
	return texts
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// A file holds what undoes its change, too; only the change counts.
func TestOnlyTheUpPartOfAFileIsReleased(t *testing.T) {
	h := newHarness(t)
	const up, down = "-- +goose Up\nCREATE TABLE a ();\n", "-- +goose Down\nDROP TABLE a;\n"
	first := h.merge(h.project(), files{"1_a.sql": new(up + down), "2_b.sql": new("-- +goose Up\nSELECT 2;\n")})
	h.expect(first.ID, deploy.Done, deploy.Waiting)
	read, err := h.service.Files(h.ctx, first.ID)
	h.must(err)
	same(t, "text", "\nCREATE TABLE a ();", string(read[0].Content))

	noEdit := h.merge(h.project(), files{"1_a.sql": new("-- why\n" + up + "-- +goose Down\nDROP TABLE IF EXISTS a;\n")})
	same(t, "problems of another Down", []string(nil), h.problems(noEdit.ID))
	same(t, "migrations of another Down", []string(nil), versionsOf(noEdit))
	edit := h.merge(h.project(), files{"1_a.sql": new("-- +goose Up\nCREATE TABLE b ();\n" + down)})
	same(t, "problems of another Up", []string{"edited migrations/1_a.sql 1: version 1 was released before and its text is changed"}, h.problems(edit.ID))
}

func TestARepeatableIsReleasedWithEachOfItsTexts(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"V1__a.sql": new("SELECT 1;"), "R__v.sql": new("SELECT 'one';")})
	same(t, "first", []string{"1", "R__v"}, versionsOf(first))
	h.expect(first.ID, deploy.Done, deploy.Waiting)
	second := h.merge(h.project(), files{"R__v.sql": new("SELECT 'two';"), "V2__b.sql": new("SELECT 2;")})
	same(t, "second", []string{"2", "R__v"}, versionsOf(second))
	same(t, "problems", []string(nil), h.problems(second.ID))
	h.expect(second.ID, deploy.Done, deploy.Waiting)
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.approve(second, "ann")
	h.expect(second.ID, deploy.Done, deploy.Done)
	for _, name := range []string{"orders-test", "orders-eu"} {
		same(t, name, map[string]int{"1": 1, "2": 1, "R__v": 2}, h.engine.effects(name))
	}
	where, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/R__v.sql"})
	h.must(err)
	for _, p := range where["migrations/R__v.sql"] {
		if p.State != deploy.Done || p.Checksum != executor.Checksum([]byte("SELECT 'two';")) {
			t.Errorf("%+v", p)
		}
	}
	gone := h.merge(h.project(), files{"R__v.sql": nil})
	same(t, "deleted", []string(nil), h.problems(gone.ID))
}

const changelog = "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n"

func TestChangesetsAreReleasedOneByOne(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"z.sql": new(changelog)})
	same(t, "first", []string{"z.sql::1::ann"}, versionsOf(first))
	h.expect(first.ID, deploy.Done, deploy.Waiting)

	appended := h.merge(h.project(), files{"z.sql": new(changelog + "--changeset ann:2\nSELECT 2;\n"), "a.sql": new(changelog)})
	same(t, "appended", []string{"a.sql::1::ann", "z.sql::2::ann"}, versionsOf(appended))
	same(t, "problems", []string(nil), h.problems(appended.ID))
	h.expect(appended.ID, deploy.Done, deploy.Waiting)
	same(t, "order", []string{"z.sql::1::ann", "a.sql::1::ann", "z.sql::2::ann"}, h.engine.order("orders-test"))

	edited := h.merge(h.project(), files{"z.sql": new("--liquibase formatted sql\n--changeset ann:1\nSELECT 'one';\n")})
	same(t, "edited", []string{
		"edited migrations/z.sql z.sql::1::ann: version z.sql::1::ann was released before and its text is changed",
		"deleted migrations/z.sql z.sql::2::ann: version z.sql::2::ann was released before and its file is deleted",
	}, h.problems(edited.ID))
	back := h.merge(h.project(), files{"z.sql": new(changelog + "--changeset ann:2\nSELECT 2;\n--rollback SELECT 3;\n")})
	same(t, "put back", [][]string{nil, nil}, [][]string{h.problems(edited.ID), h.problems(back.ID)})
}

// What was applied nowhere may still be mended; what the folder has of it runs.
func TestAChangesetThatWasNotAppliedIsMended(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(_, version string) error {
		if version == "a.sql::2::ann" {
			return sqlFailure(version, "no")
		}
		return nil
	}
	first := h.merge(h.project(), files{"a.sql": new(changelog + "--changeset ann:2\nSELECT nonsense;\n")})
	h.expect(first.ID, deploy.Failed, deploy.Waiting)
	h.engine.mu.Lock()
	h.engine.before = nil
	h.engine.mu.Unlock()
	fix := h.merge(h.project(), files{"a.sql": new(changelog + "--changeset ann:2\nSELECT 2;\n--changeset ann:3\nSELECT 3;\n")})
	same(t, "problems", []string(nil), h.problems(fix.ID))
	same(t, "the fix brings", []string{"a.sql::3::ann"}, versionsOf(fix))
	h.expect(first.ID, deploy.Done, deploy.Waiting)
	h.expect(fix.ID, deploy.Done, deploy.Waiting)
	same(t, "effects", map[string]int{"a.sql::1::ann": 1, "a.sql::2::ann": 1, "a.sql::3::ann": 1}, h.engine.effects("orders-test"))
}

func TestAPathSelectsEnvironmentAndDatabase(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		c.Projects[0].Layout = "{{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"
		for i := range c.Databases {
			c.Databases[i].Labels["database"] = "orders"
		}
	})
	r := h.merge(h.project(), files{
		"test/orders##1##ddl##a.sql":    new("SELECT 1;"),
		"prod/orders##1##ddl##a.sql":    new("SELECT 1;"),
		"prod/orders-us##2##dml##b.sql": new("SELECT 2;"),
	})
	same(t, "versions", []string{"1@prod/orders", "1@test/orders", "2@prod/orders-us"}, versionsOf(r))
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Done)
	for name, want := range map[string]map[string]int{"orders-test": {"1": 1}, "orders-eu": {"1": 1}, "orders-us": {"1": 1, "2": 1}} {
		same(t, name, want, h.engine.effects(name))
	}
	where, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/prod/orders-us##2##dml##b.sql"})
	h.must(err)
	var done []string
	for _, p := range where["migrations/prod/orders-us##2##dml##b.sql"] {
		if p.State == deploy.Done {
			done = append(done, p.Database)
		}
	}
	same(t, "where it is", []string{"orders-us"}, done)

	stray := h.merge(h.project(), files{"staging/orders##3##ddl##c.sql": new("SELECT 3;"), "orders##4##ddl##d.sql": new("SELECT 4;")})
	same(t, "strays", []string{
		"unreadable migrations/orders##4##ddl##d.sql : the path does not match the template " + h.project().Layout,
		"unreadable migrations/staging/orders##3##ddl##c.sql 3@staging/orders: its path says staging/orders, and the project has no such database",
	}, h.problems(stray.ID))
	below := h.merge(h.project(), files{"prod/orders##0.9##ddl##e.sql": new("SELECT 9;"), "test/orders##2##ddl##e.sql": new("SELECT 2;")})
	same(t, "each destination has a line of its own", []string{
		"below_newest migrations/prod/orders##0.9##ddl##e.sql 0.9@prod/orders: version 0.9 is below 1, the newest on the branch",
	}, h.problems(below.ID))
}

func TestASkipOfADestinationIsOnlyThere(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		c.Projects[0].Layout = "{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"
	})
	r := h.merge(h.project(), files{
		"orders-test##1##ddl##a.sql": new("SELECT 1;"),
		"orders-eu##1##ddl##a.sql":   new("SELECT 1;"),
		"orders-us##1##ddl##a.sql":   new("SELECT 1;"),
	})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	skip := in(on(r, "ann"), "prod")
	skip.Version, skip.Reason = "1@/orders-eu", "made by hand"
	_, err := h.service.Skip(h.ctx, skip)
	h.must(err)
	h.approve(r, "bob")
	h.expect(r.ID, deploy.Done, deploy.Done)
	same(t, "eu", map[string]int{}, h.engine.effects("orders-eu"))
	same(t, "eu's ledger", map[string]string{"1": "made by hand"}, h.engine.skips("orders-eu"))
	same(t, "us", map[string]int{"1": 1}, h.engine.effects("orders-us"))
}

// What is wrong with a folder as a whole closes every gate until a merge mends it.
func TestWhatIsWrongWithTheFolderBlocks(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new("-- +goose Up\nSELECT 1;"), "2_b.sql": new("-- migrate:up\nSELECT 2;\n-- migrate:down\n")})
	got := strings.Join(h.problems(first.ID), "\n")
	if len(h.problems(first.ID)) != 3 || !strings.Contains(got, "unreadable migrations : the files bear the signs of several layouts: goose") {
		t.Error(got)
	}
	h.expect(first.ID, deploy.Waiting, deploy.Waiting)
	h.merge(h.project(), files{"1_a.sql": new("-- +goose Up\nSELECT 1;\n"), "2_b.sql": new("-- +goose Up\nSELECT 2;\n")})
	same(t, "mended", []string(nil), h.problems(first.ID))
	h.expect(first.ID, deploy.Done, deploy.Waiting)

	sums := h.merge(h.project(), files{"atlas.sum": new("h1:x\n")})
	if got := h.problems(sums.ID); len(got) != 1 || !strings.Contains(got[0], "several layouts") {
		t.Error(got)
	}
	h.merge(h.project(), files{"atlas.sum": nil})
	same(t, "taken out", []string(nil), h.problems(sums.ID))
}

func TestSumsOfAFolderAreHeldAgainstIt(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Projects[0].Layout = "atlas" })
	wrong := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;"), "atlas.sum": new("h1:x\n1_a.sql h1:y\n")})
	same(t, "wrong", []string{"unreadable migrations/atlas.sum : the folder differs from its sums from 1_a.sql on"}, h.problems(wrong.ID))
	h.expect(wrong.ID, deploy.Waiting, deploy.Waiting)
	// What atlas migrate hash writes for this folder.
	h.merge(h.project(), files{"atlas.sum": new("h1:HsCV3ocx4bNYNSE7l4dXr4Wd0Qf3cfmlJvlqlDevJ+Y=\n1_a.sql h1:KM4OGmi0DEXiHMqoAbfLYUDaQelcRs/ZJLaef6tji4g=\n")})
	if open := h.problems(wrong.ID); !slices.Equal(open, nil) {
		t.Error(open)
	}
}

func TestABaselineAndAVersionMayShareANumber(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Projects[0].Layout = "flyway" })
	first := h.merge(h.project(), files{"V1__a.sql": new("SELECT 1;"), "V2__b.sql": new("SELECT 2;")})
	h.expect(first.ID, deploy.Done, deploy.Waiting)
	second := h.merge(h.project(), files{"B2__all.sql": new("SELECT 12;"), "V3__c.sql": new("SELECT 3;")})
	same(t, "problems", []string(nil), h.problems(second.ID))
	same(t, "versions", []string{"B2", "3"}, versionsOf(second))
}

// One word accepts all that was changed in a file.
func TestAnEditOfSeveralChangesetsIsAccepted(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"a.sql": new(changelog + "--changeset ann:2\nSELECT 2;\n")})
	h.expect(first.ID, deploy.Done, deploy.Waiting)
	edited := h.merge(h.project(), files{"a.sql": new("--liquibase formatted sql\n--changeset ann:1\nSELECT 'a';\n--changeset ann:2\nSELECT 'b';\n")})
	if got := h.problems(edited.ID); len(got) != 2 {
		t.Fatal(got)
	}
	accept := on(edited, "ann")
	accept.File, accept.Reason = "a.sql", "only words"
	_, err := h.service.AcceptEdit(h.ctx, accept)
	h.must(err)
	same(t, "problems", []string(nil), h.problems(edited.ID))
	h.approve(first, "bob")
	h.expect(first.ID, deploy.Done, deploy.Done)
	read, err := h.service.Files(h.ctx, first.ID)
	h.must(err)
	if len(read) != 2 || !strings.Contains(string(read[0].Content), "'a'") || !strings.Contains(string(read[1].Content), "'b'") {
		t.Errorf("%+v", read)
	}
}

// Of a file older than ShipSQL's first sight nobody knows what is applied; but
// that its change is none can be seen.
func TestAnOldFileWhoseDownPartChanges(t *testing.T) {
	h := newHarness(t)
	const up = "-- +goose Up\nCREATE TABLE a ();\n"
	h.folders[h.project().ID()]["migrations/1_a.sql"] = up
	undo := h.merge(h.project(), files{"1_a.sql": new(up + "-- +goose Down\nDROP TABLE a;\n")})
	same(t, "problems of a Down part", []string(nil), h.problems(undo.ID))
	edit := h.merge(h.project(), files{"1_a.sql": new("-- +goose Up\nCREATE TABLE b ();\n")})
	same(t, "problems of another Up part", []string{"edited migrations/1_a.sql 1: version 1 was released before and its text is changed"}, h.problems(edit.ID))
}
