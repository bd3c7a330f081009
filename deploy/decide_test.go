package deploy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var (
	testEnv = deploy.Environment{Name: "test", Rollout: deploy.RolloutAuto}
	prodEnv = deploy.Environment{Name: "prod", Rollout: deploy.RolloutManual,
		Approvals: deploy.Approvals{Count: 1, Users: []string{"ann", "bob"}, Teams: []string{"acme/dba"}}}
)

func forgeUser(login string) deploy.Actor {
	return deploy.Actor{Kind: deploy.ForgeUser, Provider: "github.com", Login: login}
}

// release is a reviewed, clean release by "dev" with one migration.
func release(id string, seq int64) deploy.Release {
	r := deploy.Release{
		ID: id, Project: "p", Seq: seq, MergeCommit: "c" + id, PullRequest: int(seq), Author: "dev",
		Migrations: []deploy.Migration{{Version: id, Path: "m/" + id + ".sql", Checksum: "sum" + id, Statements: 1}},
	}
	r.Hash = deploy.ContentHash(r.Project, r.Migrations)
	r.Review = deploy.Review{Hash: r.Hash, Clean: true}
	return r
}

func facts(line ...deploy.LineFacts) deploy.Facts {
	return deploy.Facts{
		Now: noon, Road: []deploy.Environment{testEnv, prodEnv},
		Targets: map[string]map[string][]string{"test": {"": {"t1"}}, "prod": {"": {"p1", "p2"}}},
		Online:  map[string]bool{"": true}, Line: line, Eligible: map[deploy.Ask]deploy.Say{},
	}
}

// untouched is a stage of so many databases without a task.
func untouched(databases int) deploy.StageFacts {
	return deploy.StageFacts{Missing: map[string]int{"": databases}}
}

// summed gives a stage the tasks that it has, as they are counted.
func summed(s deploy.StageFacts, tasks []deploy.Task) deploy.StageFacts {
	s.Tasks, s.Missing, s.Trouble = deploy.Tally{}, map[string]int{"": s.Missing[""] - len(tasks)}, nil
	for _, t := range tasks {
		s.Tasks.Add("", t.State, 1)
		if t.State == deploy.Failed || t.State == deploy.Ambiguous || t.State == deploy.Cancelled {
			s.Trouble = append(s.Trouble, t)
		}
	}
	return s
}

func stages(test, prod deploy.StageFacts) map[string]deploy.StageFacts {
	return map[string]deploy.StageFacts{"test": test, "prod": prod}
}

var done = deploy.StageFacts{State: deploy.Done}

func approval(r deploy.Release, login string) deploy.Approval {
	return deploy.Approval{
		Release: r.ID, Environment: "prod", Hash: r.Hash, Actor: forgeUser(login),
		At: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour),
	}
}

func eligible(f deploy.Facts, r deploy.Release, logins ...string) deploy.Facts {
	for _, login := range logins {
		f.Eligible[deploy.Ask{Release: r.ID, Environment: "prod", Person: forgeUser(login).Person()}] = deploy.Say{OK: true}
	}
	return f
}

func codes(reasons []deploy.Reason) []deploy.Code {
	var codes []deploy.Code
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return codes
}

// readyForProd is a line of one release that waits only for prod's approval.
func readyForProd(change func(*deploy.Release, *deploy.StageFacts)) deploy.Facts {
	r := release("1", 1)
	prod := untouched(2)
	if change != nil {
		change(&r, &prod)
	}
	return eligible(facts(deploy.LineFacts{Release: r, Stages: stages(done, prod)}), r, "ann", "bob")
}

// gateCase is a stage of prod and what is decided about it.
type gateCase struct {
	name   string
	facts  deploy.Facts
	state  deploy.State
	reason []deploy.Code
	start  []string // pools
}

func (c gateCase) check(t *testing.T) {
	d, ok := deploy.Decide(c.facts).Stage("1", "prod")
	if !ok {
		t.Fatal("no decision on prod")
	}
	if d.State != c.state {
		t.Errorf("state = %s, want %s", d.State, c.state)
	}
	if diff := cmp.Diff(c.reason, codes(d.Reasons)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.start, d.Start); diff != "" {
		t.Errorf("start (-want +got):\n%s", diff)
	}
}

// approved has ann approve prod.
func approved(r *deploy.Release, prod *deploy.StageFacts) {
	prod.Approvals = []deploy.Approval{approval(*r, "ann")}
}

// approvalCases are of approvals and rejections.
var approvalCases = []gateCase{
	{"waits for an approval", readyForProd(nil), deploy.Waiting, []deploy.Code{deploy.GateApprovals}, nil},
	{"approved", readyForProd(approved), deploy.Queued, nil, []string{""}},
	{"approval of another text", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Approvals[0].Hash = "another"
	}), deploy.Waiting, []deploy.Code{deploy.GateApprovals}, nil},
	{"approval expires to the second", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Approvals[0].ExpiresAt = noon
	}), deploy.Waiting, []deploy.Code{deploy.GateApprovals}, nil},
	{"rejected after the approval", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Rejection = &deploy.Rejection{Actor: forgeUser("bob"), At: noon}
	}), deploy.Waiting, []deploy.Code{deploy.GateRejected, deploy.GateApprovals}, nil},
	{"approved after the rejection", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Rejection = &deploy.Rejection{Actor: forgeUser("bob"), At: noon.Add(-2 * time.Hour)}
	}), deploy.Queued, nil, []string{""}},
	{"approval of somebody never asked about", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		prod.Approvals = []deploy.Approval{approval(*r, "zoe")}
	}), deploy.Waiting, []deploy.Code{deploy.GateAuthority, deploy.GateApprovals}, nil},
	{"approval of a bot", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Approvals[0].Actor.Bot = true
	}), deploy.Waiting, []deploy.Code{deploy.GateApprovals}, nil},
}

// reviewCases are of the review's findings and of problems.
var reviewCases = []gateCase{
	{"not reviewed", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Review = deploy.Review{}
	}), deploy.Waiting, []deploy.Code{deploy.GateReviewPending}, nil},
	{"reviewed before an edit", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Review.Hash = "before"
	}), deploy.Waiting, []deploy.Code{deploy.GateReviewPending}, nil},
	{"blocking findings", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Review.Clean, r.Review.Errors = false, 2
	}), deploy.Waiting, []deploy.Code{deploy.GateReviewBlocked}, nil},
	{"blocking findings, answered for", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Review.Clean, r.Review.Errors = false, 2
		prod.Approvals[0].Despite = "we know"
	}), deploy.Queued, nil, []string{""}},
	{"blocking findings, answered for by the author", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Review.Clean, r.Author = false, "Ann"
		prod.Approvals[0].Despite = "we know"
	}), deploy.Waiting, []deploy.Code{deploy.GateReviewBlocked}, nil},
	{"a problem", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		r.Problems = []deploy.Problem{{Code: deploy.ProblemUnreadable, Path: "m/1.sql", Version: "1", Text: "not UTF-8"}}
	}), deploy.Waiting, []deploy.Code{deploy.GateProblem}, nil},
	{"a problem, skipped here", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		r.Problems = []deploy.Problem{{Code: deploy.ProblemUnreadable, Path: "m/1.sql", Version: "1"}}
		prod.Skips = []deploy.Skip{{Version: "1", Path: "m/1.sql"}}
	}), deploy.Skipped, nil, nil},
}

// taskCases are of stages that were cancelled or have begun.
var taskCases = []gateCase{
	{"cancelled", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		prod.Cancelled = &deploy.Cancellation{Actor: forgeUser("bob")}
	}), deploy.Cancelled, []deploy.Code{deploy.GateCancelled}, nil},
	{"cancelled while one runs", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		*prod = summed(*prod, []deploy.Task{{Database: "p1", State: deploy.Running}})
		prod.Cancelled = &deploy.Cancellation{Actor: forgeUser("bob")}
	}), deploy.Running, []deploy.Code{deploy.GateCancelled}, nil},
	{"one database failed", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		*prod = summed(*prod, []deploy.Task{{Database: "p1", State: deploy.Done},
			{Database: "p2", State: deploy.Failed, Failure: &deploy.Failure{Version: "1"}}})
	}), deploy.Failed, []deploy.Code{deploy.StageFailed}, nil},
	{"one ambiguous, one running", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		*prod = summed(*prod, []deploy.Task{{Database: "p1", State: deploy.Running},
			{Database: "p2", State: deploy.Ambiguous, Failure: &deploy.Failure{Version: "1", Statement: 2}}})
	}), deploy.Running, []deploy.Code{deploy.StageAmbiguous}, nil},
	{"all done", readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		approved(r, prod)
		*prod = summed(*prod, []deploy.Task{{Database: "p1", State: deploy.Done}, {Database: "p2", State: deploy.Done}})
	}), deploy.Done, nil, nil},
	{"all done stays done when the approval expires", readyForProd(func(_ *deploy.Release, prod *deploy.StageFacts) {
		*prod = done
	}), deploy.Done, nil, nil},
}

func TestDecideProdGate(t *testing.T) {
	for _, c := range slices.Concat(approvalCases, reviewCases, taskCases) {
		t.Run(c.name, c.check)
	}
}

func TestDecideTakesQueuedTasksBackWhenTheGateCloses(t *testing.T) {
	f := readyForProd(func(_ *deploy.Release, prod *deploy.StageFacts) { // the approval is gone
		prod.State = deploy.Running
		*prod = summed(*prod, []deploy.Task{{Database: "p1", State: deploy.Running}, {Database: "p2", State: deploy.Queued}})
	})
	d, _ := deploy.Decide(f).Stage("1", "prod")
	if diff := cmp.Diff([]string{""}, d.Stop); diff != "" {
		t.Errorf("stop (-want +got):\n%s", diff)
	}
}

func TestDecideHoldsTheOrderOfReleases(t *testing.T) {
	first, second := release("1", 1), release("2", 2)
	f := facts(
		deploy.LineFacts{Release: first, Stages: stages(done, untouched(2))},
		deploy.LineFacts{Release: second, Stages: stages(done, deploy.StageFacts{
			Missing: map[string]int{"": 2}, Approvals: []deploy.Approval{approval(second, "ann")}})},
	)
	f = eligible(f, second, "ann")
	d, _ := deploy.Decide(f).Stage("2", "prod")
	if diff := cmp.Diff([]deploy.Code{deploy.GateEarlierRelease}, codes(d.Reasons)); diff != "" {
		t.Fatalf("reasons (-want +got):\n%s", diff)
	}
	want := []deploy.Next{{Verb: "approve", Args: []string{"prod", "--with-earlier"}}}
	if diff := cmp.Diff(want, d.Reasons[0].Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}

	prod := f.Line[0].Stages["prod"]
	prod.Skips = []deploy.Skip{{Version: "1", Path: "m/1.sql", Environment: "prod"}}
	f.Line[0].Stages["prod"] = prod
	if d, _ = deploy.Decide(f).Stage("2", "prod"); len(d.Start) != 1 {
		t.Errorf("after the skip: start = %v, reasons = %v", d.Start, codes(d.Reasons))
	}
}

func TestDecideCountsPeopleNotApprovals(t *testing.T) {
	f := readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		prod.Approvals = []deploy.Approval{approval(*r, "ann"), approval(*r, "Ann")}
	})
	f.Road[1].Approvals.Count = 2
	if d, _ := deploy.Decide(f).Stage("1", "prod"); d.Counted != 1 || d.Open() {
		t.Errorf("one person twice: counted %d, open %v", d.Counted, d.Open())
	}
	prod := f.Line[0].Stages["prod"]
	prod.Approvals = append(prod.Approvals, approval(f.Line[0].Release, "bob"))
	f.Line[0].Stages["prod"] = prod
	if d, _ := deploy.Decide(f).Stage("1", "prod"); d.Counted != 2 || !d.Open() {
		t.Errorf("two people: counted %d, open %v", d.Counted, d.Open())
	}
}

func TestDecideWithoutDatabasesOrOnARefusedBranchNothingPasses(t *testing.T) {
	f := readyForProd(func(r *deploy.Release, prod *deploy.StageFacts) {
		prod.Approvals = []deploy.Approval{approval(*r, "ann")}
	})
	approved := f.Line[0].Stages["prod"]
	f.Line[0].Stages["prod"] = deploy.StageFacts{Approvals: approved.Approvals}
	if d, _ := deploy.Decide(f).Stage("1", "prod"); d.State != deploy.Waiting || !slices.Contains(codes(d.Reasons), deploy.GateNoDatabase) {
		t.Errorf("no database: %s %v", d.State, codes(d.Reasons))
	}
	f.Line[0].Stages["prod"] = approved
	f.Refusal = &deploy.Refusal{Text: "the branch was rewritten"}
	if d, _ := deploy.Decide(f).Stage("1", "prod"); d.Open() || !slices.Contains(codes(d.Reasons), deploy.GateBranch) {
		t.Errorf("refused branch: open %v %v", d.Open(), codes(d.Reasons))
	}
}
