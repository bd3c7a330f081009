package deploy_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
)

// A worker that dies in the middle of a task leaves its row running; the next
// one finds it and the ledger makes every effect happen once.
func TestAWorkerDiesAtEachStep(t *testing.T) {
	steps := []string{"before 1", "after 1", "before 2", "after 2", "before 3", "after 3"}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			h := newHarness(t)
			var died atomic.Bool
			die := func(when string) func(string, string) error {
				return func(_, version string) error {
					if when+" "+version == step && died.CompareAndSwap(false, true) {
						panic("the worker dies")
					}
					return nil
				}
			}
			h.engine.before, h.engine.after = die("before"), die("after")
			r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create), "3_c.sql": new(create)})
			h.settle()
			h.clock.Advance(time.Second) // the queue's back-off
			h.expect(r.ID, deploy.Done, deploy.Waiting)
			if !died.Load() {
				t.Fatal("nobody died")
			}
			if diff := cmp.Diff(map[string]int{"1": 1, "2": 1, "3": 1}, h.engine.effects("orders-test")); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if task := h.stage(r.ID, "test").Tasks[0]; task.Attempts != 2 {
				t.Errorf("%d attempts", task.Attempts)
			}
		})
	}
}

// Every transaction of a rollout fails once, each in a run of its own: nothing
// is lost and nothing happens twice.
func TestEachTransactionIsTornOnce(t *testing.T) {
	for n := 1; ; n++ {
		var told int
		t.Run(strconv.Itoa(n), func(t *testing.T) { told = rolloutTornAt(t, n) })
		if n >= told || t.Failed() {
			break
		}
	}
}

// rolloutTornAt plays a rollout whose nth change is refused and returns how many
// changes there were.
func rolloutTornAt(t *testing.T, n int) int {
	h := newHarness(t)
	h.mu.Lock()
	h.told, h.broken = 0, n
	h.mu.Unlock()
	rel := []deploy.NewRelease{newRelease("c1", 1,
		deploy.File{Path: "migrations/1_a.sql", Content: []byte(create)}, deploy.File{Path: "migrations/2_b.sql", Content: []byte("SELECT 2;")})}
	var released []deploy.Release
	again(t, func() (err error) {
		released, err = h.service.Advance(h.ctx, h.project().ID(), "c0", "c1", rel)
		return err
	})
	r := released[0]
	h.rest()
	again(t, func() error {
		return h.service.RecordReview(h.ctx, r.ID, deploy.Verdict{Hash: r.Hash, Clean: true})
	})
	h.rest()
	again(t, func() error {
		_, err := h.service.Approve(h.ctx, in(on(r, "ann"), "prod"))
		return err
	})
	h.rest()
	h.mu.Lock()
	h.toReview = nil // reviewed above
	h.mu.Unlock()
	h.expect(r.ID, deploy.Done, deploy.Done)
	for _, name := range []string{"orders-test", "orders-eu", "orders-us"} {
		if diff := cmp.Diff(map[string]int{"1": 1, "2": 1}, h.engine.effects(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	h.must(h.service.VerifyAudit(h.ctx))
	return h.told
}

// again calls a function that may fail once.
func again(t *testing.T, call func() error) {
	t.Helper()
	if call() == nil {
		return
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
}

// rest waits until nothing moves, also over the queue's back-off.
func (h *harness) rest() {
	h.t.Helper()
	for range 3 {
		h.must(h.queue.Idle(h.ctx))
		h.clock.Advance(time.Second)
	}
	h.must(h.queue.Idle(h.ctx))
}

// A worker that lost its lease finishes its file and starts no other; what it
// then reports counts for nothing.
func TestALostLease(t *testing.T) {
	h := newHarness(t)
	h.engine.locks = map[string]*sync.Mutex{"orders-test": {}}
	second := h.newQueue()
	h.newService(second)
	h.run(second)

	inFile, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	h.engine.after = func(_, version string) error {
		if version == "1" && first.CompareAndSwap(false, true) {
			close(inFile)
			<-goOn
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	h.must(h.queue.Idle(h.ctx))
	h.review(r.ID, 0)
	<-inFile
	h.clock.Advance(time.Minute) // the lease is over, and nobody renewed it
	h.until(func() bool { return h.stage(r.ID, "test").Tasks[0].Attempts == 2 })
	close(goOn)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff(map[string]int{"1": 1, "2": 1}, h.engine.effects("orders-test")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if task := h.stage(r.ID, "test").Tasks[0]; task.Attempts != 2 || task.State != deploy.Done {
		t.Errorf("task = %+v", task)
	}
}

// until polls a condition.
func (h *harness) until(condition func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			h.t.Fatal("the condition never held")
		}
		<-tick.C
	}
}

// Two nodes race for the tasks of many releases.
func TestRacingNodes(t *testing.T) {
	h := newHarness(t)
	for range 2 {
		q := h.newQueue()
		h.newService(q)
		h.run(q)
	}
	var all []deploy.Release
	for i := range 6 {
		all = append(all, h.merge(h.project(), files{fmt.Sprintf("%d_x.sql", i+1): new(create)}))
	}
	h.settle()
	c := in(on(all[5], "ann"), "prod")
	c.WithEarlier = true
	_, err := h.service.Approve(h.ctx, c)
	h.must(err)
	for _, r := range all {
		h.expect(r.ID, deploy.Done, deploy.Done)
	}
	want := []string{"1", "2", "3", "4", "5", "6"}
	for _, name := range []string{"orders-test", "orders-eu", "orders-us"} {
		if diff := cmp.Diff(want, h.engine.order(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if h.engine.clashes > 0 {
		t.Errorf("two tasks ran at once on one database %d times", h.engine.clashes)
	}
}

// A job that was given up leaves its task queued; Reconcile rings for it.
func TestReconcileFindsWhatNobodyRingsFor(t *testing.T) {
	h := newHarness(t)
	h.engine.before = func(string, string) error { panic("always") }
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	for range 25 { // more than the queue's patience
		h.clock.Advance(time.Minute)
		h.must(h.queue.Idle(h.ctx))
	}
	dead, err := h.queue.Dead(h.ctx, 10)
	h.must(err)
	if len(dead) == 0 {
		t.Fatal("the job lives on")
	}
	if state := h.stage(r.ID, "test").State; state != deploy.Running {
		t.Errorf("test is %s", state)
	}
	h.engine.before = nil
	h.must(h.service.Reconcile(h.ctx))
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}
