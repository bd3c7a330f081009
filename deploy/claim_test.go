package deploy_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// A decision that falls between a worker's look at the gate and the task's start
// is not missed, whatever it is.
func TestADecisionBetweenTheLookAndTheStart(t *testing.T) {
	operator := deploy.Actor{Kind: deploy.Operator, Login: "root"}
	for name, decide := range map[string]func(*harness, deploy.Release) error{
		"cancel": func(h *harness, r deploy.Release) error {
			_, err := h.service.Cancel(h.ctx, deploy.Command{Actor: operator, Release: r.ID, Environment: "prod"})
			return err
		},
		"skip": func(h *harness, r deploy.Release) error {
			_, err := h.service.Skip(h.ctx, deploy.Command{Actor: operator, Release: r.ID, Environment: "prod", Version: "1", Reason: "no"})
			return err
		},
		"refusal of the branch": func(h *harness, _ deploy.Release) error {
			return h.service.Refuse(h.ctx, h.project().ID(), deploy.Refusal{Code: "rewritten", Text: "the branch was rewritten"})
		},
		"review": func(h *harness, r deploy.Release) error {
			return h.service.RecordReview(h.ctx, r.ID, deploy.Verdict{Hash: r.Hash, Errors: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			r := h.merge(h.project(), files{"1_a.sql": new(create)})
			h.settle()
			// orders-us waits for its next try while the stage runs no more.
			h.engine.before = once("orders-us", "1", fault.New(fault.LockTimeout, "locked"))
			h.approve(r, "ann")
			h.expect(r.ID, deploy.Done, deploy.Running)
			var decided atomic.Bool
			h.authority.set(func(a *authority) {
				a.asked = func() {
					if decided.CompareAndSwap(false, true) { // deciding asks too
						h.check(decide(h, r))
					}
				}
			})
			h.clock.Advance(11 * time.Second)
			h.settle()
			if diff := cmp.Diff(map[string]int{}, h.engine.effects("orders-us")); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			h.must(h.service.VerifyAudit(h.ctx))
		})
	}
}

// A process whose configuration lacks the project lost its lease before it put the
// task back: by then the task may be done.
func TestATaskIsNotPutBackBehindItsEnd(t *testing.T) {
	h := newHarness(t, twoProjects)
	h.engine.before = once("orders-test", "1", fault.New(fault.LockTimeout, "locked"))
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	h.stop()

	config, second := h.config, h.newQueue(func(o *queue.Options) { o.Workers = 1 })
	config.Projects = config.Projects[1:]
	met, goOn := make(chan struct{}), make(chan struct{})
	_, err := deploy.New(h.ctx, h.db, second, config, deploy.Deps{
		Engines: map[string]executor.Engine{"fake": h.engine}, Authority: h.authority,
		Log: slog.New(onWarning(sync.OnceFunc(func() { close(met); <-goOn }))),
	})
	h.must(err)
	stop := h.run(second)
	h.clock.Advance(11 * time.Second)
	<-met
	h.clock.Advance(time.Minute) // the lease is over
	h.run(h.queue)
	h.until(func() bool { return h.states(r.ID, "test")["orders-test"] == deploy.Done })
	close(goOn)
	stop()
	if state := h.states(r.ID, "test")["orders-test"]; state != deploy.Done {
		t.Errorf("the task is %s", state)
	}
}

// onWarning is called for each warning in a log.
type onWarning func()

func (onWarning) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelWarn }
func (w onWarning) Handle(context.Context, slog.Record) error      { w(); return nil }
func (w onWarning) WithAttrs([]slog.Attr) slog.Handler             { return w }
func (w onWarning) WithGroup(string) slog.Handler                  { return w }
