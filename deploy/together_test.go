package deploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// twoProjects adds one with a database of its own, whose tasks share lines with
// those of the first.
func twoProjects(c *deploy.Config) {
	c.Databases = append(c.Databases, inTest("bills-test"))
	c.Projects = append(c.Projects, deploy.Project{Repository: repository, Branch: "main", Path: "bills", Databases: map[string]string{"app": "bills"}})
}

// andMore adds a second database to each project.
func andMore(c *deploy.Config) {
	c.Databases = append(c.Databases, inTest("orders-more"), inTest("bills-more"))
}

func inTest(name string) deploy.Database {
	app, _, _ := strings.Cut(name, "-")
	return deploy.Database{Name: name, Engine: "fake", URL: secret.Literal(name), Environment: "test", Labels: map[string]string{"app": app}}
}

// occupation is of a line: the next task of a project that starts, or ends, keeps
// the others that do waiting, though it is committed.
type occupation struct {
	began <-chan struct{}
	end   func()
}

func (h *harness) occupy(p deploy.Project) occupation {
	began, ended := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = func(tx *store.Tx, c deploy.Change) {
		if c.Kind == deploy.StageChanged && c.Environment != "" && c.State == "" && c.Project.ID() == p.ID() {
			once.Do(func() { tx.AfterCommit(func() { close(began); <-ended }) })
		}
	}
	end := sync.OnceFunc(func() { close(ended) })
	h.t.Cleanup(end)
	return occupation{began, end}
}

// attempts are those that the audit tells of, of one action of a release's task.
func (h *harness) attempts(id, database, action string) (found []int) {
	h.t.Helper()
	rows, err := h.service.Audit(h.ctx, id)
	h.must(err)
	for _, row := range rows {
		var data struct{ Attempt int }
		if row.Database == database && row.Action == action {
			h.must(json.Unmarshal(row.Data, &data))
			found = append(found, data.Attempt)
		}
	}
	return found
}

// lasting is a condition that held at ten looks in a row: who fulfilled it has
// most likely gone on to where it waits.
func lasting(condition func() bool) func() bool {
	held := 0
	return func() bool {
		if held++; !condition() {
			held = 0
		}
		return held == 10
	}
}

// Two workers have one task, because the first lost its lease while it waited to
// start it: each start is an attempt of its own, so that the first one is found
// to be overtaken.
func TestTwoWorkersStartOneTaskTogether(t *testing.T) {
	h := newHarness(t, twoProjects, andMore)
	h.engine.locks = map[string]*sync.Mutex{"orders-more": {}, "bills-more": {}}
	orders, bills := h.config.Projects[0], h.config.Projects[1]
	// A stage's first task starts alone; these are tried for the second time.
	h.refuseOnce(bills, "bills-more")
	h.clock.Advance(5 * time.Second)
	r := h.refuseOnce(orders, "orders-more")
	line := h.occupy(bills)
	h.clock.Advance(5 * time.Second)
	<-line.began
	h.clock.Advance(5 * time.Second)
	h.until(func() bool { return h.running(deploy.JobTask) == 2 })
	expired := h.expired.Load()
	h.clock.Advance(time.Minute)
	h.until(lasting(func() bool { return h.expired.Load() >= expired+2 && h.running(deploy.JobTask) == 2 }))
	line.end()
	h.until(func() bool { return h.stage(r.ID, "test").State == deploy.Done }) // by whichever of them came last
	if started := h.attempts(r.ID, "orders-more", "task_started"); len(slices.Compact(slices.Clone(started))) < len(started) {
		t.Errorf("the attempts %v started", started)
	}
}

// refuseOnce rolls a release of a project out, whose task on one database does not
// get a lock and is to be tried again in 10 s.
func (h *harness) refuseOnce(p deploy.Project, database string) deploy.Release {
	h.t.Helper()
	h.engine.before = once(database, "1", fault.New(fault.LockTimeout, "locked"))
	r := h.merge(p, files{"1_a.sql": new(create)})
	h.settle()
	if state := h.states(r.ID, "test")[database]; state != deploy.Queued {
		h.t.Fatalf("%s is %s", database, state)
	}
	return r
}

// What an overtaken attempt reports counts for nothing, also when it ends
// together with the one that overtook it.
func TestAnOvertakenAttemptEndsTogetherWithItsSuccessor(t *testing.T) {
	h := newHarness(t, twoProjects)
	h.engine.locks = map[string]*sync.Mutex{"orders-test": {}, "bills-test": {}}
	inFile, goOn := make(chan struct{}), make(chan struct{})
	occupied := make(chan occupation, 1)
	h.engine.after = func(database, _ string) error {
		switch database {
		case "orders-test":
			close(inFile)
			<-goOn
		case "bills-test":
			h.clock.Advance(2 * time.Second) // its start is not what was told last
			occupied <- h.occupy(h.config.Projects[1])
		}
		return nil
	}
	var begun atomic.Int32
	h.engine.away = func(database string) error {
		if database == "orders-test" {
			begun.Add(1)
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.must(h.queue.Idle(h.ctx))
	h.review(r.ID, 0)
	<-inFile
	h.clock.Advance(time.Minute) // the lease is over, and nobody renewed it
	h.until(func() bool { return h.stage(r.ID, "test").Tasks[0].Attempts == 2 })
	bills := h.merge(h.config.Projects[1], files{"1_a.sql": new(create)})
	h.review(bills.ID, 0)
	line := <-occupied
	<-line.began
	close(goOn)
	h.until(lasting(func() bool { return begun.Load() == 2 && !h.engine.applies("orders-test") }))
	line.end()
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff([]int{2}, h.attempts(r.ID, "orders-test", "task_done")); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

// A job names the task that it was made for; one whose worker died on the same
// database comes first all the same.
func TestADeadWorkersTaskComesBeforeTheOneThatTheJobNames(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		c.Databases = append(c.Databases, inTest("orders-more"))
		c.Projects = append(c.Projects, deploy.Project{Repository: repository, Branch: "main", Path: "bills", Databases: map[string]string{"app": "orders"}})
	})
	h.engine.locks = map[string]*sync.Mutex{"orders-test": {}, "orders-more": {}}
	inFile, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.engine.after = func(database, _ string) error {
		if database == "orders-test" {
			once.Do(func() { close(inFile); <-goOn })
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.must(h.queue.Idle(h.ctx))
	h.review(r.ID, 0)
	<-inFile
	bills := h.merge(h.config.Projects[1], files{"2_b.sql": new(create)})
	h.review(bills.ID, 0)
	h.until(func() bool { // so that the stage has begun, and its tasks are started as their jobs say
		states := h.states(bills.ID, "test")
		return states["orders-test"] == deploy.Queued && states["orders-more"] == deploy.Done
	})
	h.clock.Advance(time.Minute) // the first worker's lease is over
	h.until(func() bool { return len(h.attempts(r.ID, "orders-test", "task_started")) == 2 })
	if state := h.states(bills.ID, "test")["orders-test"]; state != deploy.Queued {
		t.Errorf("the other task is %s", state)
	}
	close(goOn)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	h.expect(bills.ID, deploy.Done, deploy.Waiting)
	if diff := cmp.Diff([]int{1}, h.attempts(bills.ID, "orders-test", "task_started")); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}
