package deploy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

func newRelease(commit string, pr int, folder ...deploy.File) deploy.NewRelease {
	r := deploy.NewRelease{MergeCommit: commit, PullRequest: pr, Author: "dev", Folder: folder}
	for _, f := range folder {
		r.Added = append(r.Added, f.Path)
	}
	return r
}

func TestAdvanceTwiceIsHarmless(t *testing.T) {
	h := newHarness(t)
	id := h.project().ID()
	rels := []deploy.NewRelease{newRelease("c1", 1, deploy.File{Path: "migrations/1_a.sql", Content: []byte(create)}), {MergeCommit: "c2"}}
	first, err := h.service.Advance(h.ctx, id, "c0", "c2", rels)
	h.must(err)
	second, err := h.service.Advance(h.ctx, id, "c0", "c2", rels)
	h.must(err)
	if len(first) != 1 || len(second) != 1 || first[0].ID != second[0].ID || second[0].Seq != 1 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	_, err = h.service.Advance(h.ctx, id, "c1", "c3", nil)
	if fault.CodeOf(err) != fault.Conflict {
		t.Errorf("from another cursor: %v", err)
	}
	_, err = h.service.Advance(h.ctx, "no such project", "c0", "c1", nil)
	if fault.CodeOf(err) != fault.NotFound {
		t.Errorf("unknown project: %v", err)
	}
	releases, err := h.service.Releases(h.ctx, id, 10)
	h.must(err)
	if len(releases) != 1 {
		t.Errorf("%d releases", len(releases))
	}
}

func TestReleaseOrderIsMergeOrder(t *testing.T) {
	h := newHarness(t)
	one := deploy.File{Path: "migrations/1_a.sql", Content: []byte("SELECT 1;"), Blob: "b1"}
	two := deploy.File{Path: "migrations/2_b.sql", Content: []byte("SELECT 2;"), Blob: "b2"}
	both := newRelease("c2", 8, deploy.File{Path: one.Path, Blob: "b1"}, two) // the first is known by its blob
	both.Added = []string{two.Path}
	made, err := h.service.Advance(h.ctx, h.project().ID(), "c0", "c2", []deploy.NewRelease{newRelease("c1", 9, one), both})
	h.must(err)
	if made[0].PullRequest != 9 || made[0].Seq != 1 || made[1].Seq != 2 || len(made[1].Migrations) != 1 {
		t.Errorf("made %+v", made)
	}
	known, err := h.service.KnownBlobs(h.ctx, h.project().ID(), []string{"b1", "b2", "b3"})
	h.must(err)
	if diff := cmp.Diff(map[string]bool{"b1": true, "b2": true}, known); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	_, err = h.service.Advance(h.ctx, h.project().ID(), "c2", "c3",
		[]deploy.NewRelease{newRelease("c3", 10, deploy.File{Path: "migrations/3_c.sql", Blob: "b3"})})
	if fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a file without content: %v", err)
	}
	pending, err := h.service.Pending(h.ctx, h.project().ID(), "", made[1].ID)
	h.must(err)
	if len(pending) != 1 || pending[0].Path != one.Path || string(pending[0].Content) != "SELECT 1;" {
		t.Errorf("pending before the second: %v", pending)
	}
}

func TestARefusedBranchStopsTheLineUntilTheOperatorMovesTheCursor(t *testing.T) {
	h := newHarness(t)
	id := h.project().ID()
	h.must(h.service.Refuse(h.ctx, id, deploy.Refusal{Code: "not_ancestor", Text: "main was rewritten"}))
	h.must(h.service.Refuse(h.ctx, id, deploy.Refusal{Code: "not_ancestor", Text: "main was rewritten"}))
	if n := h.changes[deploy.BranchChanged]; n != 2 { // one of them for StartAt
		t.Errorf("told %d times", n)
	}
	status, err := h.service.Status(h.ctx, id)
	h.must(err)
	if status.Refusal == nil || status.Refusal.Code != "not_ancestor" || status.Cursor != "c0" {
		t.Errorf("status = %+v", status)
	}
	h.must(h.service.StartAt(h.ctx, id, "d0"))
	status, err = h.service.Status(h.ctx, id)
	h.must(err)
	if status.Refusal != nil || status.Cursor != "d0" {
		t.Errorf("status = %+v", status)
	}
}

func TestStatus(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(first, "ann")
	h.settle()
	status, err := h.service.Status(h.ctx, h.project().ID())
	h.must(err)
	if len(status.Unfinished) != 1 || status.Unfinished[0].Release.ID != second.ID {
		t.Errorf("unfinished = %+v", status.Unfinished)
	}
	if status.Newest["test"].ID != second.ID || status.Newest["prod"].ID != first.ID {
		t.Errorf("newest = %+v", status.Newest)
	}
	rollouts, err := h.service.RolloutsOfPR(h.ctx, repository, 1)
	h.must(err)
	if len(rollouts) != 1 || rollouts[0].State != deploy.Done {
		t.Errorf("rollouts = %+v", rollouts)
	}
	if _, err := h.service.Rollout(h.ctx, "nothing"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown release: %v", err)
	}
}

func TestAVerdictOnAnotherTextIsRefused(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	err := h.service.RecordReview(h.ctx, r.ID, deploy.Verdict{Hash: "another", Clean: true})
	if fault.CodeOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	report, err := h.service.ReviewReport(h.ctx, r.ID)
	h.must(err)
	if string(report) != "{}" {
		t.Errorf("report = %s", report)
	}
}

func TestAuditChain(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Done)
	rows, err := h.service.Audit(h.ctx, r.ID)
	h.must(err)
	var actions []string
	for _, row := range rows {
		actions = append(actions, row.Action)
	}
	slices.Sort(actions)
	want := []string{"approve", "finished", "release", "review", "start", "start",
		"task_done", "task_done", "task_done", "task_started", "task_started", "task_started"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	h.must(h.service.VerifyAudit(h.ctx))
}

func TestAForgedAuditIsNoticed(t *testing.T) {
	for name, forge := range map[string]string{
		"changed": `UPDATE deploy_audit SET data = '{"hash":"forged"}' WHERE action = 'approve'`,
		"removed": `DELETE FROM deploy_audit WHERE action = 'approve'`,
		"inserted": `INSERT INTO deploy_audit SELECT (SELECT max(seq) + 1 FROM deploy_audit),
			at, action, project, release, environment, database, actor, data, prev, hash FROM deploy_audit WHERE action = 'approve'`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := h.merge(h.project(), files{"1_a.sql": new(create)})
			h.settle()
			h.approve(r, "ann")
			h.settle()
			h.must(h.service.VerifyAudit(h.ctx))
			h.must(h.db.Tx(h.ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(h.ctx, forge)
				return err
			}))
			if err := h.service.VerifyAudit(h.ctx); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("a forged chain passes: %v", err)
			}
		})
	}
}
