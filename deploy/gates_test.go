package deploy_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

// A task that waits for its next try asks for its gate anew when that comes.
func TestTheGateIsJudgedAgainWhenATaskStarts(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*authority)
		want   deploy.Code
	}{
		"the approver left":    {func(a *authority) { a.approvers["prod"] = nil }, deploy.GateApprovals},
		"the forge is down":    {func(a *authority) { a.err = errors.New("502") }, deploy.GateAuthority},
		"nothing has happened": {func(*authority) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := h.merge(h.project(), files{"1_a.sql": new(create)})
			h.settle()
			h.engine.before = once("orders-eu", "1", fault.New(fault.LockTimeout, "locked"))
			h.approve(r, "ann")
			h.settle()
			h.authority.set(tt.change)
			h.clock.Advance(11 * time.Second)
			h.settle()
			prod := h.stage(r.ID, "prod")
			if tt.want == "" {
				if prod.State != deploy.Done {
					t.Errorf("prod is %s", prod.State)
				}
				return
			}
			if prod.State != deploy.Waiting || !slices.Contains(codes(prod.Reasons), tt.want) {
				t.Errorf("prod is %s: %v", prod.State, codes(prod.Reasons))
			}
			if len(h.engine.effects("orders-eu")) != 0 || len(h.engine.effects("orders-us")) != 1 {
				t.Errorf("effects: %v", h.engine.effects("orders-eu"))
			}
		})
	}
}

func TestTheOperatorMayEverything(t *testing.T) {
	h := newHarness(t)
	h.findings = 1
	h.authority.set(func(a *authority) { a.err = errors.New("no forge") })
	first := h.merge(h.project(), files{"1_a.sql": new(create)}, byPR(0))
	second := h.merge(h.project(), files{"2_b.sql": new(create)}, byPR(0))
	h.settle()
	c := deploy.Command{Actor: deploy.Actor{Kind: deploy.Operator, Login: "root"}, Release: second.ID, Environment: "prod",
		WithEarlier: true, DespiteFindings: true, Reason: "by phone"}
	_, err := h.service.Approve(h.ctx, c)
	h.must(err)
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Done)
	_, err = h.service.Approve(h.ctx, c)
	refused(t, err, deploy.CommandAlready)
}

func TestApprovingTwiceSaysSo(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Environments[1].Approvals.Count = 2 })
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	answer := h.approve(r, "ann")
	if got := answer.Releases[0]; got.Counted != 1 || got.Needed != 2 {
		t.Errorf("%d of %d", got.Counted, got.Needed)
	}
	_, err := h.service.Approve(h.ctx, in(on(r, "Ann"), "prod"))
	if err == nil {
		t.Error("the same person counts twice")
	}
	_, err = h.service.Approve(h.ctx, in(on(r, "ann"), "prod"))
	refused(t, err, deploy.CommandAlready)
	h.approve(r, "bob")
	h.expect(r.ID, deploy.Done, deploy.Done)
}

// Files from before ShipSQL's first sight may stand in any ledger.
func TestEditOfAFileOlderThanTheCursor(t *testing.T) {
	h := newHarness(t)
	h.folders[h.project().ID()]["migrations/1_old.sql"] = "SELECT 1;"
	edit := h.merge(h.project(), files{"1_old.sql": new("SELECT 2;")})
	h.expect(edit.ID, deploy.Waiting, deploy.Waiting)
	if diff := cmp.Diff([]deploy.ProblemCode{deploy.ProblemEdited}, h.open(edit.ID)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	c := on(edit, "ann")
	c.File, c.Reason = "migrations/1_old.sql", "a comment"
	_, err := h.service.AcceptEdit(h.ctx, c)
	h.must(err)
	h.expect(edit.ID, deploy.Skipped, deploy.Skipped)
	h.engine.database("orders-test").effects["0"] = 1 // not empty
	next := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.expect(next.ID, deploy.Done, deploy.Waiting)
}

func TestOutOfOrderAllowed(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Projects[0].OutOfOrder = true })
	h.merge(h.project(), files{"5_a.sql": new(create)})
	late := h.merge(h.project(), files{"3_b.sql": new(create)})
	h.expect(late.ID, deploy.Done, deploy.Waiting)
}

func TestAnEmptyDatabaseIsBroughtUpFromTheFirstFile(t *testing.T) {
	h := newHarness(t)
	h.folders[h.project().ID()]["migrations/1_old.sql"] = "SELECT 1;"
	r := h.merge(h.project(), files{"2_new.sql": new(create)})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff([]string{"1", "2"}, h.engine.order("orders-test")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestProgressIsToldWhileATaskRuns(t *testing.T) {
	h := newHarness(t)
	var seen deploy.Progress
	var where []deploy.Placement
	var release string
	h.engine.after = func(_, version string) error {
		h.clock.Advance(2 * time.Second)
		if version != "2" {
			return nil
		}
		rollout, err := h.service.Rollout(h.ctx, release)
		if err != nil {
			return err
		}
		seen = rollout.Stages[0].Tasks[0].Progress
		placed, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/1_a.sql"})
		where = placed["migrations/1_a.sql"]
		return err
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	release = r.ID
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if seen.Version != "1" || seen.Migrations != 1 || seen.Of != 2 {
		t.Errorf("progress = %+v", seen)
	}
	if len(where) != 3 || where[0].State != deploy.Done {
		t.Errorf("where = %+v", where)
	}
	if h.changes[deploy.TaskProgressed] == 0 {
		t.Error("nobody was told")
	}
}
