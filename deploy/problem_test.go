package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
)

// open are the codes of a release's unanswered problems.
func (h *harness) open(id string) []deploy.ProblemCode {
	h.t.Helper()
	r, err := h.service.Release(h.ctx, id)
	h.must(err)
	var codes []deploy.ProblemCode
	for _, p := range r.Problems {
		if p.Answer == nil {
			codes = append(codes, p.Code)
		}
	}
	return codes
}

// unreadable replaces a file's content by the reason why there is none.
func unreadable(path, why string) mergeOption {
	return func(r *deploy.NewRelease) {
		for i := range r.Folder {
			if r.Folder[i].Path == path {
				r.Folder[i].Content, r.Folder[i].Unreadable = nil, why
			}
		}
	}
}

func TestBrokenFilesBlockTheirReleaseUntilFixed(t *testing.T) {
	tests := []struct {
		name    string
		changes files
		option  mergeOption
		want    deploy.ProblemCode
		fix     files
	}{
		{"not UTF-8", files{"2_b.sql": new("SELECT '\xff';")}, nil, deploy.ProblemUnreadable, files{"2_b.sql": new(create)}},
		{"empty", files{"2_b.sql": new("")}, nil, deploy.ProblemUnreadable, files{"2_b.sql": new(create)}},
		{"20 MB", files{"2_b.sql": new("x")}, unreadable("migrations/2_b.sql", "20 MB, the limit is 1 MB"),
			deploy.ProblemUnreadable, files{"2_b.sql": new(create)}},
		{"no version", files{"users.sql": new(create)}, nil, deploy.ProblemUnreadable, files{"users.sql": nil, "2_users.sql": new(create)}},
		{"duplicate version", files{"1_again.sql": new(create)}, nil, deploy.ProblemDuplicate,
			files{"1_again.sql": nil, "2_again.sql": new(create)}},
		{"below the newest", files{"0_late.sql": new(create)}, nil, deploy.ProblemBelowNewest,
			files{"0_late.sql": nil, "2_late.sql": new(create)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			first := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
			option := tt.option
			if option == nil {
				option = func(*deploy.NewRelease) {}
			}
			broken := h.merge(h.project(), tt.changes, option)
			h.expect(first.ID, deploy.Done, deploy.Waiting)
			h.expect(broken.ID, deploy.Waiting, deploy.Waiting)
			if diff := cmp.Diff([]deploy.ProblemCode{tt.want}, h.open(broken.ID)); diff != "" {
				t.Fatalf("problems (-want +got):\n%s", diff)
			}
			fix := h.merge(h.project(), tt.fix)
			h.settle()
			if got := h.open(broken.ID); len(got) != 0 {
				t.Errorf("after the fix: %v", got)
			}
			h.approve(first, "ann")
			for _, r := range []deploy.Release{broken, fix} {
				if state := h.stage(r.ID, "prod").State; !state.Passed() {
					h.approve(r, "ann")
				}
			}
			h.settle()
			if diff := cmp.Diff(map[string]int{"1": 1, "2": 1}, h.engine.effects("orders-eu")); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			for _, r := range []deploy.Release{first, broken, fix} {
				if state := h.rollout(r.ID).State; !state.Passed() {
					t.Errorf("%s is %s", r.Label(), state)
				}
			}
		})
	}
}

func TestSkippingABrokenFile(t *testing.T) {
	h := newHarness(t)
	broken := h.merge(h.project(), files{"1_a.sql": new(""), "2_b.sql": new(create)})
	next := h.merge(h.project(), files{"3_c.sql": new(create)})
	h.expect(broken.ID, deploy.Waiting, deploy.Waiting)
	for _, env := range []string{"test", "prod"} {
		c := in(on(broken, "ann"), env)
		c.Version, c.Reason = "1_a.sql", "it is empty"
		_, err := h.service.Skip(h.ctx, c)
		h.must(err)
	}
	h.settle()
	h.approve(broken, "ann")
	h.approve(next, "ann")
	h.expect(broken.ID, deploy.Done, deploy.Done)
	h.expect(next.ID, deploy.Done, deploy.Done)
	if diff := cmp.Diff(map[string]int{"2": 1, "3": 1}, h.engine.effects("orders-eu")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestSkippingOneOfTwoFilesWithOneVersion(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create), "1_b.sql": new("SELECT 2;")})
	h.expect(r.ID, deploy.Waiting, deploy.Waiting)
	c := in(on(r, "ann"), "test")
	c.Version, c.Reason = "1", "one of them"
	_, err := h.service.Skip(h.ctx, c)
	want := []deploy.Next{
		{Verb: "skip", Args: []string{"migrations/1_a.sql", "test", "one of them"}},
		{Verb: "skip", Args: []string{"migrations/1_b.sql", "test", "one of them"}},
	}
	if diff := cmp.Diff(want, refused(t, err, deploy.CommandChoose).Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	c.Version = "migrations/1_b.sql"
	_, err = h.service.Skip(h.ctx, c)
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff(map[string]int{"1": 1}, h.engine.effects("orders-test")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if got := h.engine.skips("orders-test"); len(got) != 0 {
		t.Errorf("version 1 was marked skipped: %v", got)
	}
}

func TestEditBeforeItIsAppliedAnywhere(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(_, version string) error { return sqlFailure(version, "no") }
	r := h.merge(h.project(), files{"1_a.sql": new("SELCT 1;")})
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	h.engine.before = nil
	fixed := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
	h.expect(r.ID, deploy.Done, deploy.Waiting) // reviewed anew, and tried again by itself
	h.expect(fixed.ID, deploy.Skipped, deploy.Skipped)
	now, err := h.service.Release(h.ctx, r.ID)
	h.must(err)
	if now.Hash == r.Hash || now.Migrations[0].EditedBy != fixed.ID {
		t.Errorf("the release still has the old text: %+v", now.Migrations[0])
	}
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Done)
}

func TestEditTakesApprovalsBack(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(name, version string) error {
		if name == "orders-test" {
			return sqlFailure(version, "no")
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
	h.settle()
	h.approve(r, "ann")
	h.engine.before = nil
	h.merge(h.project(), files{"1_a.sql": new("DROP TABLE users;")})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if s := h.stage(r.ID, "prod").Approvals[0].Standing; s.Why != deploy.NotStandingContent {
		t.Errorf("the approval of the old text: %+v", s)
	}
}

func TestEditOfAnAppliedMigrationNeedsAcceptEdit(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	edit := h.merge(h.project(), files{"1_a.sql": new("SELECT 2;")})
	h.expect(edit.ID, deploy.Waiting, deploy.Waiting)
	if diff := cmp.Diff([]deploy.ProblemCode{deploy.ProblemEdited}, h.open(edit.ID)); diff != "" {
		t.Fatalf("problems (-want +got):\n%s", diff)
	}
	c := on(edit, "wes")
	c.File, c.Reason = "1_a.sql", "a typo"
	_, err := h.service.AcceptEdit(h.ctx, c)
	refused(t, err, deploy.CommandDenied)
	c.Actor = forgeUser("ann")
	c.File = "nothing.sql"
	_, err = h.service.AcceptEdit(h.ctx, c)
	refused(t, err, deploy.CommandUnknown)
	c.File = "1_a.sql"
	answer, err := h.service.AcceptEdit(h.ctx, c)
	h.must(err)
	if answer.Edit.Before != executor.Checksum([]byte("SELECT 1;")) || answer.Edit.After != executor.Checksum([]byte("SELECT 2;")) {
		t.Errorf("edit = %+v", answer.Edit)
	}
	h.settle()
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Done)
	h.expect(edit.ID, deploy.Skipped, deploy.Skipped)

	// What stood in test stays; prod has the new text.
	where, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/1_a.sql"})
	h.must(err)
	var got []string
	for _, p := range where["migrations/1_a.sql"] {
		got = append(got, p.Database+" "+p.Checksum)
	}
	old, edited := executor.Checksum([]byte("SELECT 1;")), executor.Checksum([]byte("SELECT 2;"))
	if diff := cmp.Diff([]string{"orders-test " + old, "orders-eu " + edited, "orders-us " + edited}, got); diff != "" {
		t.Errorf("where (-want +got):\n%s", diff)
	}
	// The ledger with the old text takes the next release.
	next := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.expect(next.ID, deploy.Done, deploy.Waiting)
}

func TestAcceptEditBeforeTheMerge(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	c := deploy.Command{
		Actor: forgeUser("ann"), Repository: repository, PullRequest: 2, File: "migrations/1_a.sql", Reason: "a typo",
		Checksum: executor.Checksum([]byte("SELECT 2;")),
	}
	_, err := h.service.AcceptEdit(h.ctx, c)
	h.must(err)
	accepted, err := h.service.AcceptedEdits(h.ctx, h.project().ID(), 2)
	h.must(err)
	if accepted["migrations/1_a.sql"].After != c.Checksum {
		t.Errorf("accepted = %+v", accepted)
	}
	edit := h.merge(h.project(), files{"1_a.sql": new("SELECT 2;")})
	h.expect(edit.ID, deploy.Skipped, deploy.Skipped)
	if got := h.open(edit.ID); len(got) != 0 {
		t.Errorf("problems = %v", got)
	}
	other := h.merge(h.project(), files{"1_a.sql": new("SELECT 3;")}) // not what was accepted
	if diff := cmp.Diff([]deploy.ProblemCode{deploy.ProblemEdited}, h.open(other.ID)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	h.merge(h.project(), files{"1_a.sql": new("SELECT 2;")}) // and back
	if got := h.open(other.ID); len(got) != 0 {
		t.Errorf("after the revert: %v", got)
	}
}

func TestRenameAndDeleteOfAnAppliedMigration(t *testing.T) {
	for name, tt := range map[string]struct {
		changes files
		want    deploy.ProblemCode
		file    string
	}{
		"renamed": {files{"1_a.sql": nil, "1_users.sql": new("SELECT 1;")}, deploy.ProblemRenamed, "migrations/1_users.sql"},
		"deleted": {files{"1_a.sql": nil}, deploy.ProblemDeleted, "migrations/1_a.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := h.merge(h.project(), files{"1_a.sql": new("SELECT 1;")})
			h.expect(r.ID, deploy.Done, deploy.Waiting)
			change := h.merge(h.project(), tt.changes)
			h.expect(change.ID, deploy.Waiting, deploy.Waiting)
			if diff := cmp.Diff([]deploy.ProblemCode{tt.want}, h.open(change.ID)); diff != "" {
				t.Fatalf("problems (-want +got):\n%s", diff)
			}
			reason := h.stage(change.ID, "test").Reasons[0]
			if diff := cmp.Diff(deploy.Next{Verb: "accept-edit", Args: []string{tt.file, "REASON"}}, reason.Next[0]); diff != "" {
				t.Errorf("next (-want +got):\n%s", diff)
			}
			c := on(change, "bob")
			c.File, c.Reason = tt.file, "on purpose"
			_, err := h.service.AcceptEdit(h.ctx, c)
			h.must(err)
			h.settle()
			if stage := h.stage(r.ID, "prod"); !stage.State.Passed() {
				h.approve(r, "ann")
			}
			h.expect(change.ID, deploy.Skipped, deploy.Skipped)
			next := h.merge(h.project(), files{"2_b.sql": new(create)})
			h.expect(next.ID, deploy.Done, deploy.Waiting)
			if state := h.rollout(r.ID).State; !state.Passed() {
				t.Errorf("the first release is %s", state)
			}
		})
	}
}

func TestMergesWithoutSQLOnlyMoveTheCursor(t *testing.T) {
	h := newHarness(t)
	if got := h.tryMerge(h.project(), nil); len(got) != 0 {
		t.Errorf("an empty merge made %d releases", len(got))
	}
	r := h.merge(h.project(), files{"README.md": new("# Migrations"), "1_a.sql": new(create)})
	if len(r.Migrations) != 1 || len(r.Problems) != 0 {
		t.Errorf("release = %+v", r)
	}
	cursor, ok, err := h.service.Cursor(h.ctx, h.project().ID())
	h.must(err)
	if cursor != "c2" || !ok {
		t.Errorf("cursor = %q %v", cursor, ok)
	}
}

func TestBigFolder(t *testing.T) {
	h := newHarness(t)
	many := files{}
	for i := range 1200 {
		many[strings.Repeat("0", 3)+string(rune('1'+i%9))+strings.Repeat("1", i/9)+"_x.sql"] = new("SELECT 1;")
	}
	r := h.merge(h.project(), many)
	got, err := h.service.Files(h.ctx, r.ID)
	h.must(err)
	if len(got) != len(many) {
		t.Errorf("%d of %d files", len(got), len(many))
	}
}
