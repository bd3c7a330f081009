package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// saidBy is a command of a comment.
func saidBy(r deploy.Release, login, comment string) deploy.Command {
	c := in(on(r, login), "prod")
	c.Source = comment
	return c
}

// running starts a release in prod whose statement on orders-eu goes on until
// somebody cancels it, and hands the stage over while it does.
func running(t *testing.T, while func(h *harness, r deploy.Release)) (*harness, deploy.Release) {
	t.Helper()
	h := newHarness(t)
	started, leave := make(chan struct{}), make(chan struct{})
	h.engine.during = func(run executor.Run, database, version string) error {
		if database != "orders-eu" || version != "1" {
			return nil
		}
		close(started)
		defer func() { <-leave }()
		select {
		case <-run.Cancel:
			return fmt.Errorf("statement 1: %w", executor.ErrCancelled)
		case <-time.After(patience):
			return fault.New(fault.Internal, "nobody cancelled it")
		}
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	h.settle()
	approve := in(on(r, "ann"), "prod")
	_, err := h.service.Approve(h.ctx, approve)
	h.must(err)
	<-started
	while(h, r)
	close(leave)
	h.settle()
	return h, r
}

func (h *harness) cancelReason(r deploy.Release) deploy.Reason {
	h.t.Helper()
	reasons := h.stage(r.ID, "prod").Reasons
	i := slices.IndexFunc(reasons, func(r deploy.Reason) bool { return r.Code == deploy.GateCancelled })
	if i < 0 {
		h.t.Fatalf("reasons %+v", reasons)
	}
	return reasons[i]
}

func TestASecondWordCancelsWhatRuns(t *testing.T) {
	h, r := running(t, func(h *harness, r deploy.Release) {
		answer, err := h.service.Cancel(h.ctx, saidBy(r, "wes", "first"))
		h.must(err)
		if len(answer.Reasons) == 0 || !strings.Contains(answer.Reasons[0].Text, "is finished first, unless somebody says so once more") {
			t.Errorf("answer %+v", answer.Reasons)
		}
		want := []deploy.Next{{Verb: deploy.VerbCancel, Args: []string{"prod"}}, {Verb: deploy.VerbRetry, Args: []string{"prod"}}}
		if diff := cmp.Diff(want, h.cancelReason(r).Next); diff != "" {
			t.Error(diff)
		}
		_, err = h.service.Cancel(h.ctx, saidBy(r, "ann", "second"))
		h.must(err)
		if text := h.cancelReason(r).Text; !strings.HasSuffix(text, "; what runs on 1 database is being cancelled") {
			t.Errorf("the reason is %q", text)
		}
		_, err = h.service.Cancel(h.ctx, saidBy(r, "wes", "third"))
		refused(t, err, deploy.CommandAlready)
	})
	if task := h.stage(r.ID, "prod").Tasks[0]; task.Database != "orders-eu" || task.State != deploy.Cancelled || task.Failure != nil {
		t.Errorf("the task is %+v", task)
	}
	if got := h.engine.effects("orders-eu"); len(got) != 0 {
		t.Errorf("effects %v", got)
	}
	h.engine.during = nil
	_, err := h.service.Retry(h.ctx, saidBy(r, "wes", "retry"))
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Done)
	var confirmed []string
	audited, err := h.service.Audit(h.ctx, r.ID)
	h.must(err)
	for _, row := range audited {
		if row.Action == deploy.VerbCancel && strings.Contains(string(row.Data), `"running":["orders-eu"]`) {
			confirmed = append(confirmed, row.Actor.Login)
		}
	}
	if !slices.Equal(confirmed, []string{"ann"}) {
		t.Errorf("the audit says that %v confirmed", confirmed)
	}
}

// The process that carried out a cancel may die before it has answered; the same
// comment is then read again, which is no second word.
func TestTheSameCancelAgainConfirmsNothing(t *testing.T) {
	h, r := running(t, func(h *harness, r deploy.Release) {
		for range 3 {
			answer, err := h.service.Cancel(h.ctx, saidBy(r, "wes", "first"))
			h.must(err)
			if text := answer.Reasons[0].Text; !strings.Contains(text, "unless somebody says so once more") {
				t.Errorf("the answer is %q", text)
			}
		}
		_, err := h.service.Cancel(h.ctx, saidBy(r, "wes", "second"))
		h.must(err)
	})
	if state := h.stage(r.ID, "prod").Tasks[0].State; state != deploy.Cancelled {
		t.Errorf("the task is %s", state)
	}
}

func TestWhatWasCancelledTooLateStandsAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want deploy.State
	}{
		"ambiguous": {&executor.AmbiguousError{Version: "1", Statement: 1, Evidence: "the procedure may have committed"}, deploy.Ambiguous},
		"refused":   {sqlFailure("1", "division by zero"), deploy.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := h.merge(h.project(), files{"1_a.sql": new(create)})
			h.settle()
			h.engine.during = func(run executor.Run, database, _ string) error {
				if database != "orders-eu" {
					return nil
				}
				for _, comment := range []string{"first", "second"} {
					if _, err := h.service.Cancel(h.ctx, saidBy(r, "wes", comment)); err != nil {
						return err
					}
				}
				<-run.Cancel
				return c.err
			}
			h.approve(r, "ann")
			h.settle()
			if state := h.stage(r.ID, "prod").Tasks[0].State; state != c.want {
				t.Errorf("the task is %s, want %s", state, c.want)
			}
		})
	}
}

func TestALongStatementsProgressIsStored(t *testing.T) {
	h := newHarness(t)
	var seen []deploy.Progress
	var release string
	h.engine.during = func(run executor.Run, _, version string) error {
		e := executor.Event{Version: version, Path: "migrations/1_a.sql", Statement: 1, Total: 2}
		for _, step := range []executor.Event{
			{State: executor.EventProgress, Phase: "building index: scanning table", Done: 30, Of: 120, Unit: "blocks"},
			{State: executor.EventProgress, Detail: "waits for a lock of 'psql' (pid 7)"},
			{State: executor.EventRetrying, Detail: "canceling statement due to lock timeout"},
			{State: executor.EventRunning},
		} {
			h.clock.Advance(2 * time.Second)
			e.State, e.Phase, e.Done, e.Of, e.Unit, e.Detail = step.State, step.Phase, step.Done, step.Of, step.Unit, step.Detail
			run.Progress(e)
			seen = append(seen, h.rollout(release).Stages[0].Tasks[0].Progress)
		}
		return nil
	}
	folder := files{"1_a.sql": new(create)}
	known := make(chan struct{})
	h.engine.away = func(string) error {
		<-known
		return nil
	}
	release = h.merge(h.project(), folder).ID
	close(known)
	h.expect(release, deploy.Done, deploy.Waiting)
	base := deploy.Progress{Version: "1", Path: "migrations/1_a.sql", Statement: 1, Total: 2, Of: 1}
	want := []deploy.Progress{base, base, base, base}
	want[0].State, want[0].Phase, want[0].PhaseDone, want[0].PhaseOf, want[0].Unit = "progress", "building index: scanning table", 30, 120, "blocks"
	want[1].State, want[1].Waits = "progress", "waits for a lock of 'psql' (pid 7)"
	want[2].State, want[2].Waits = "retrying", "waits for a lock of 'psql' (pid 7)"
	want[3].State = "running"
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if percent, known := seen[0].Percent(); percent != 25 || !known {
		t.Errorf("%d percent, known %t", percent, known)
	}
}

// Between two tries of a lock that was not had, the task says who was in the way.
func TestWhoWasInTheWayIsKept(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Environments[0].LockRetryFor = time.Hour })
	h.engine.during = func(run executor.Run, _, version string) error {
		run.Progress(executor.Event{Version: version, State: executor.EventProgress, Detail: "waits for a lock of 'psql' (pid 7)"})
		run.Progress(executor.Event{Version: version, State: executor.EventRetrying, Detail: "lock not available"})
		return &executor.Failure{Version: version, Code: fault.LockTimeout, Message: "lock not available"}
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	task := h.stage(r.ID, "test").Tasks[0]
	if task.State != deploy.Queued || task.Progress.Waits != "waits for a lock of 'psql' (pid 7)" || task.Failure.Detail != task.Progress.Waits {
		t.Errorf("the task is %+v, %+v", task, task.Failure)
	}
	h.engine.during = nil
	h.clock.Advance(time.Minute)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if waits := h.stage(r.ID, "test").Tasks[0].Progress.Waits; waits != "" {
		t.Errorf("the task that is done still %s", waits)
	}
}
