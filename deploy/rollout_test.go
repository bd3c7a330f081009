package deploy_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

const create = "CREATE TABLE t (id bigint PRIMARY KEY);"

func TestARollout(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new("ALTER TABLE t ADD c int; SELECT 1;")})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff([]deploy.Code{deploy.GateApprovals}, codes(h.stage(r.ID, "prod").Reasons)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}

	answer := h.approve(r, "ann")
	if diff := cmp.Diff([]string{"orders-eu", "orders-us"}, answer.Databases); diff != "" {
		t.Errorf("databases (-want +got):\n%s", diff)
	}
	if got := answer.Releases[0]; got.Migrations != 2 || got.Statements != 3 || got.Hash != r.Hash || got.Counted != 1 {
		t.Errorf("restated: %+v", got)
	}
	h.expect(r.ID, deploy.Done, deploy.Done)

	for _, name := range []string{"orders-test", "orders-eu", "orders-us"} {
		if diff := cmp.Diff(map[string]int{"1": 1, "2": 1}, h.engine.effects(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	rollout := h.rollout(r.ID)
	if rollout.State != deploy.Done {
		t.Errorf("the rollout is %s", rollout.State)
	}
	h.must(h.service.VerifyAudit(h.ctx))
}

func TestNothingStartsBeforeTheReview(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.must(h.queue.Idle(h.ctx))
	if s := h.stage(r.ID, "test"); s.State != deploy.Waiting || !slices.Contains(codes(s.Reasons), deploy.GateReviewPending) {
		t.Fatalf("test is %s: %v", s.State, codes(s.Reasons))
	}
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}

func TestBlockingFindings(t *testing.T) {
	h := newHarness(t)
	h.findings = 2
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Waiting, deploy.Waiting)
	reasons := h.stage(r.ID, "test").Reasons
	want := []deploy.Next{{Verb: "approve", Args: []string{"prod", "--despite-findings", "REASON"}}}
	if diff := cmp.Diff(want, reasons[0].Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}

	c := in(on(r, "dev"), "prod")
	c.DespiteFindings, c.Reason = true, "it is fine"
	_, err := h.service.Approve(h.ctx, c)
	refused(t, err, deploy.CommandDenied)

	c.Actor = forgeUser("ann")
	c.Reason = ""
	_, err = h.service.Approve(h.ctx, c)
	refused(t, err, deploy.CommandInvalid)

	c.Reason = "the table is empty"
	_, err = h.service.Approve(h.ctx, c)
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Done)
}

func TestWhoMayApprove(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	for _, login := range []string{"dev", "co", "wes", "stranger"} {
		_, err := h.service.Approve(h.ctx, in(on(r, login), "prod"))
		if reason := refused(t, err, deploy.CommandDenied); reason.Who != "ann, bob" {
			t.Errorf("%s: who = %q", login, reason.Who)
		}
	}
	bot := in(on(r, "ann"), "prod")
	bot.Actor.Bot = true
	_, err := h.service.Approve(h.ctx, bot)
	refused(t, err, deploy.CommandDenied)

	_, err = h.service.Approve(h.ctx, in(deploy.Command{Actor: forgeUser("ann"), Repository: repository, PullRequest: 99}, "prod"))
	refused(t, err, deploy.CommandNoRelease)
	_, err = h.service.Approve(h.ctx, in(on(r, "ann"), "test"))
	refused(t, err, deploy.CommandNotPossible)
	_, err = h.service.Approve(h.ctx, in(on(r, "ann"), "pord"))
	if reason := refused(t, err, deploy.CommandUnknown); len(reason.Next) != 2 {
		t.Errorf("next = %v", reason.Next)
	}
	h.authority.set(func(a *authority) { a.err = errors.New("502") })
	_, err = h.service.Approve(h.ctx, in(on(r, "ann"), "prod"))
	refused(t, err, deploy.GateAuthority)
	h.expect(r.ID, deploy.Done, deploy.Waiting)

	rows, err := h.service.Audit(h.ctx, "")
	h.must(err)
	if n := len(rows); n < 8 {
		t.Errorf("%d refusals in the audit", n)
	}
}

func TestApproverLosesTheRightBeforeTheTaskStarts(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	answer := h.approve(second, "ann") // recorded, waits behind the first
	if diff := cmp.Diff([]deploy.Code{deploy.GateEarlierRelease}, codes(answer.Reasons)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	h.authority.set(func(a *authority) { a.approvers["prod"] = []string{"bob"} })
	h.approve(first, "bob")
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Waiting)
	if s := h.stage(second.ID, "prod").Approvals[0].Standing; s.Why != deploy.NotStandingPerson {
		t.Errorf("ann's approval: %+v", s)
	}
}

func TestAuthorityOutageClosesTheGateAndEnds(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(second, "ann")
	h.approve(first, "ann")
	h.engine.after = func(name, version string) error {
		if name == "orders-us" && version == "1" {
			h.authority.set(func(a *authority) { a.err = errors.New("the forge is down") })
		}
		return nil
	}
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Waiting)
	if got := codes(h.stage(second.ID, "prod").Reasons); !slices.Contains(got, deploy.GateAuthority) {
		t.Errorf("reasons = %v", got)
	}
	h.authority.set(func(a *authority) { a.err = nil })
	h.clock.Advance(time.Minute) // the advance job asks again
	h.expect(second.ID, deploy.Done, deploy.Done)
}

func TestWithEarlier(t *testing.T) {
	h := newHarness(t)
	direct := h.merge(h.project(), files{"1_a.sql": new(create)}, byPR(0))
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	earlier, err := h.service.Earlier(h.ctx, h.project().ID(), second.ID)
	h.must(err)
	if len(earlier) != 1 || earlier[0].Release.ID != direct.ID || earlier[0].Release.PullRequest != 0 {
		t.Fatalf("earlier = %+v", earlier)
	}
	c := in(on(second, "bob"), "prod")
	c.WithEarlier = true
	answer, err := h.service.Approve(h.ctx, c)
	h.must(err)
	if len(answer.Releases) != 2 || answer.Releases[0].Hash == answer.Releases[1].Hash {
		t.Errorf("approved %+v", answer.Releases)
	}
	h.expect(direct.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Done)
	if diff := cmp.Diff([]string{"1", "2"}, h.engine.order("orders-eu")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestApprovalExpires(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(second, "ann")
	h.clock.Advance(deploy.ApprovalLifetime)
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Waiting)
	if s := h.stage(second.ID, "prod").Approvals[0].Standing; s.Why != deploy.NotStandingExpired {
		t.Errorf("the approval: %+v", s)
	}
	h.approve(second, "ann")
	h.expect(second.ID, deploy.Done, deploy.Done)
}

func TestRejectAndCancel(t *testing.T) {
	h := newHarness(t)
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(second, "ann")
	h.clock.Advance(time.Second)
	c := in(on(second, "bob"), "prod")
	c.Reason = "not this week"
	_, err := h.service.Reject(h.ctx, c)
	h.must(err)
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	h.expect(second.ID, deploy.Done, deploy.Waiting)
	if got := codes(h.stage(second.ID, "prod").Reasons); !slices.Contains(got, deploy.GateRejected) {
		t.Errorf("reasons = %v", got)
	}

	_, err = h.service.Cancel(h.ctx, in(on(second, "wes"), "prod"))
	h.must(err)
	_, err = h.service.Cancel(h.ctx, in(on(second, "wes"), "prod"))
	refused(t, err, deploy.CommandAlready)
	h.clock.Advance(time.Second)
	h.approve(second, "ann")
	h.expect(second.ID, deploy.Done, deploy.Cancelled)
	_, err = h.service.Retry(h.ctx, on(second, "wes"))
	h.must(err)
	h.expect(second.ID, deploy.Done, deploy.Done)
}

func TestFailedThenRetried(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(name, version string) error {
		if name == "orders-us" && version == "2" {
			return sqlFailure("2", `relation "t" already exists`)
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create), "3_c.sql": new(create)})
	h.settle()
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Failed)
	prod := h.stage(r.ID, "prod")
	want := &deploy.Failure{Code: fault.SQLError, Version: "2", Path: "2.sql", Statement: 2, Line: 7, SQLState: "42P07",
		Message: `relation "t" already exists`}
	if diff := cmp.Diff(want, prod.Tasks[1].Failure); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	wantNext := []deploy.Next{
		{Verb: "retry", Args: []string{"prod", "orders-us"}}, {Verb: "skip", Args: []string{"2", "prod", "REASON"}},
	}
	if diff := cmp.Diff(wantNext, prod.Reasons[0].Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}

	_, err := h.service.Retry(h.ctx, on(r, "stranger"))
	refused(t, err, deploy.CommandDenied)
	h.engine.before = nil
	_, err = h.service.Retry(h.ctx, on(r, "dev"))
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Done)
	_, err = h.service.Retry(h.ctx, on(r, "dev"))
	refused(t, err, deploy.CommandNotPossible)
	if diff := cmp.Diff(map[string]int{"1": 1, "2": 1, "3": 1}, h.engine.effects("orders-us")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestSkipLetsTheNextReleasePass(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(name, version string) error {
		if name != "orders-test" && version == "1" {
			return sqlFailure("1", "no")
		}
		return nil
	}
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(first, "ann")
	h.approve(second, "ann")
	h.expect(first.ID, deploy.Done, deploy.Failed)
	h.expect(second.ID, deploy.Done, deploy.Waiting)

	c := in(on(first, "wes"), "prod")
	c.Version, c.Reason = "1", "made by hand"
	_, err := h.service.Skip(h.ctx, c)
	refused(t, err, deploy.CommandDenied)
	c.Actor = forgeUser("bob")
	c.Reason = ""
	_, err = h.service.Skip(h.ctx, c)
	refused(t, err, deploy.CommandInvalid)
	c.Reason = "made by hand"
	answer, err := h.service.Skip(h.ctx, c)
	h.must(err)
	if answer.Skip == nil || answer.Skip.Path != "migrations/1_a.sql" {
		t.Errorf("skip = %+v", answer.Skip)
	}
	h.expect(first.ID, deploy.Done, deploy.Skipped)
	h.expect(second.ID, deploy.Done, deploy.Done)
	if diff := cmp.Diff(map[string]string{"1": "made by hand"}, h.engine.skips("orders-eu")); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}
	_, err = h.service.Skip(h.ctx, c)
	refused(t, err, deploy.CommandAlready)

	where, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/1_a.sql", "migrations/9.sql"})
	h.must(err)
	var got []string
	for _, p := range where["migrations/1_a.sql"] {
		got = append(got, fmt.Sprintf("%s %s", p.Database, p.State))
	}
	if diff := cmp.Diff([]string{"orders-test done", "orders-eu skipped", "orders-us skipped"}, got); diff != "" {
		t.Errorf("where (-want +got):\n%s", diff)
	}
}
