package deploy_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
)

// inPool puts the database orders-eu where only workers of the pool reach it.
func inPool(c *deploy.Config) { c.Databases[1].Worker = "eu" }

// poolQueue is the queue of a process that serves a pool.
func (h *harness) poolQueue(pool string) *queue.Queue {
	return queue.New(h.db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{
		Pools: []string{pool}, Reconcile: 20 * time.Millisecond, Renew: 10 * time.Millisecond, Lease: time.Minute,
	})
}

// start runs a pool's queue and waits until that is known.
func (h *harness) start(q *queue.Queue) (stop func()) {
	stop = h.run(q)
	h.until(func() bool {
		online, err := h.queue.OnlinePools(h.ctx)
		h.must(err)
		return online["eu"]
	})
	return stop
}

func (h *harness) states(id, env string) map[string]deploy.State {
	h.t.Helper()
	states := map[string]deploy.State{}
	for _, task := range h.stage(id, env).Tasks {
		states[task.Database] = task.State
	}
	return states
}

func TestAPoolWithoutAWorker(t *testing.T) {
	h := newHarness(t, inPool)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	answer := h.approve(r, "ann")
	if diff := cmp.Diff([]deploy.Code{deploy.GateNoWorker}, codes(answer.Reasons)); diff != "" {
		t.Errorf("the answer's reasons (-want +got):\n%s", diff)
	}
	// The databases that have a worker go on; the stage says what it waits for.
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	want := map[string]deploy.State{"orders-eu": deploy.Waiting, "orders-us": deploy.Done}
	if diff := cmp.Diff(want, h.states(r.ID, "prod")); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	reasons := h.stage(r.ID, "prod").Reasons
	if len(reasons) != 1 || reasons[0].Code != deploy.GateNoWorker ||
		reasons[0].Text != `no worker is online for the pool "eu": 1 database waiting (of orders-eu); start one with: shipsql serve --role worker --pool eu` {
		t.Errorf("reasons = %+v", reasons)
	}
	// The release behind it waits too: its order holds on every database.
	next := h.merge(h.project(), files{"2_b.sql": new(create)})
	h.settle()
	h.approve(next, "ann")
	h.expect(next.ID, deploy.Done, deploy.Waiting)

	// A worker comes: the gates open by themselves.
	q := h.poolQueue("eu")
	h.newService(q)
	h.start(q)
	h.clock.Advance(3 * time.Second)
	h.until(func() bool { return h.stage(next.ID, "prod").State == deploy.Done })
	for _, name := range []string{"orders-eu", "orders-us"} {
		if diff := cmp.Diff([]string{"1", "2"}, h.engine.order(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A worker that goes away leaves what was queued for it: it waits again, says for
// what, and goes on when one comes back.
func TestAWorkerLeavesWhatIsQueued(t *testing.T) {
	h := newHarness(t, inPool)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	leave := h.start(h.poolQueue("eu")) // it says that it lives, but takes nothing
	h.approve(r, "ann")
	eu := func(want deploy.State) func() bool {
		return func() bool { return h.states(r.ID, "prod")["orders-eu"] == want }
	}
	h.until(eu(deploy.Queued))
	h.until(func() bool { return h.states(r.ID, "prod")["orders-us"] == deploy.Done })
	leave()
	h.clock.Advance(15 * time.Second) // the stage is looked at again
	h.until(eu(deploy.Waiting))
	if stage := h.stage(r.ID, "prod"); stage.State != deploy.Waiting || !slices.Equal(codes(stage.Reasons), []deploy.Code{deploy.GateNoWorker}) {
		t.Errorf("%s %+v", stage.State, stage.Reasons)
	}
	q := h.poolQueue("eu")
	h.newService(q)
	h.start(q)
	h.clock.Advance(3 * time.Second)
	h.until(func() bool { return h.stage(r.ID, "prod").State == deploy.Done })
	if diff := cmp.Diff(map[string]int{"1": 1}, h.engine.effects("orders-eu")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	h.must(h.service.VerifyAudit(h.ctx))
}

// The configuration moves a database to another pool, and adds one, while a stage
// is under way: its tasks follow.
func TestADatabaseMovesToAnotherPool(t *testing.T) {
	h := newHarness(t, inPool)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	h.config.Databases = slices.Clone(h.config.Databases)
	h.config.Databases[1].Worker = ""
	h.config.Databases = append(h.config.Databases, deploy.Database{Name: "orders-ap", Engine: "fake", URL: secret.Literal("orders-ap"),
		Environment: "prod", Labels: map[string]string{"app": "orders"}})
	h.stop()
	q := h.newQueue()
	h.service = h.newService(q)
	h.run(q)
	h.must(h.service.Reconcile(h.ctx))
	h.until(func() bool { return h.stage(r.ID, "prod").State == deploy.Done })
	want := map[string]deploy.State{"orders-ap": deploy.Done, "orders-eu": deploy.Done, "orders-us": deploy.Done}
	if diff := cmp.Diff(want, h.states(r.ID, "prod")); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
}

func TestManyInTroubleAreCounted(t *testing.T) {
	const databases = 110
	h := newHarness(t, func(c *deploy.Config) {
		for i := range databases - 2 {
			name := fmt.Sprintf("tenant-%03d", i)
			c.Databases = append(c.Databases, deploy.Database{Name: name, Engine: "fake", URL: secret.Literal(name), Environment: "prod",
				Labels: map[string]string{"app": "orders"}})
		}
	})
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	h.engine.before = func(name, version string) error {
		if strings.HasPrefix(name, "tenant-") {
			return sqlFailure(version, "no room")
		}
		return nil
	}
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Failed)
	stage := h.stage(r.ID, "prod")
	if stage.Total() != databases || stage.In(deploy.Failed) != databases-2 || stage.Passed() != 2 || len(stage.Tasks) != deploy.MaxTasks {
		t.Errorf("%v, %d tasks", stage.Counts, len(stage.Tasks))
	}
	last := stage.Reasons[len(stage.Reasons)-1]
	want := deploy.Reason{Code: deploy.StageFailed, Text: "also failed: 88 more databases",
		Next: []deploy.Next{{Verb: "retry", Args: []string{"prod", "failed"}}}}
	if diff := cmp.Diff(want, last); len(stage.Reasons) != 21 || diff != "" {
		t.Errorf("%d reasons, the last (-want +got):\n%s", len(stage.Reasons), diff)
	}
	h.engine.before = nil
	answer, err := h.service.Retry(h.ctx, on(r, "dev"))
	h.must(err)
	if len(answer.Databases) != databases-2 {
		t.Errorf("%d databases are tried again", len(answer.Databases))
	}
	h.expect(r.ID, deploy.Done, deploy.Done)
	rows, err := h.service.Audit(h.ctx, r.ID)
	h.must(err)
	tasks := slices.DeleteFunc(slices.Clone(rows), func(r deploy.AuditRow) bool { return !strings.HasPrefix(r.Action, "task") })
	decided := func(action string) bool {
		return slices.ContainsFunc(rows, func(r deploy.AuditRow) bool { return r.Action == action })
	}
	if len(tasks) != 200 || !decided("approve") || !decided("retry") || !decided("finished") {
		t.Errorf("%d of %d rows are of tasks", len(tasks), len(rows))
	}
}
