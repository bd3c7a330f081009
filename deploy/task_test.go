package deploy_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// once makes a hook that answers with err the first time it is asked about a
// version on a database.
func once(name, version string, err error) func(string, string) error {
	var used atomic.Bool
	return func(n, v string) error {
		if n == name && v == version && used.CompareAndSwap(false, true) {
			return err
		}
		return nil
	}
}

func TestLockTimeoutIsTriedAgainForAWhile(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Environments[0].LockRetryFor = time.Minute })
	locked := fault.New(fault.LockTimeout, "the lock was not had")
	h.engine.before = func(string, string) error { return locked }
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	stage := h.stage(r.ID, "test")
	if diff := cmp.Diff([]deploy.Code{deploy.StageRetrying}, codes(stage.Reasons)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	h.clock.Advance(11 * time.Second)
	h.settle()
	if task := h.stage(r.ID, "test").Tasks[0]; task.Attempts != 2 || task.State != deploy.Queued {
		t.Fatalf("after a while: %+v", task)
	}
	h.clock.Advance(time.Minute)
	h.expect(r.ID, deploy.Failed, deploy.Waiting)

	h.engine.before = nil
	_, err := h.service.Retry(h.ctx, in(on(r, "dev"), "test"))
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}

func TestRetryOfALockedTaskOnlyComesSooner(t *testing.T) {
	h := newHarness(t)
	h.engine.before = once("orders-test", "1", fault.New(fault.LockTimeout, "locked"))
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	_, err := h.service.Retry(h.ctx, in(on(r, "dev"), "test"))
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}

// A database that is away is looked for again for some minutes; then a person is
// asked.
func TestUnreachable(t *testing.T) {
	h := newHarness(t)
	down := fault.New(fault.Unreachable, "postgres://app:hunter2@db:5432/orders refused the connection").Then("start the server")
	h.engine.away = func(string) error { return down }
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	away := h.clock.Now()
	for range 4 {
		h.clock.Advance(time.Minute)
		h.expect(r.ID, deploy.Queued, deploy.Waiting)
	}
	h.clock.Advance(time.Minute)
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	want := &deploy.Failure{Code: fault.Unreachable, Next: "start the server", Since: away,
		Message: "postgres://app:[redacted]@db:5432/orders refused the connection"}
	if diff := cmp.Diff(want, h.stage(r.ID, "test").Tasks[0].Failure); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	_, err := h.service.Retry(h.ctx, on(r, "dev"))
	h.must(err)
	h.expect(r.ID, deploy.Queued, deploy.Waiting) // a new outage
	h.engine.away = nil
	h.clock.Advance(6 * time.Second)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}

func TestDatabaseLostMidwayIsLookedForAgain(t *testing.T) {
	h := newHarness(t)
	h.engine.before = once("orders-test", "2", fault.New(fault.Unreachable, "the connection broke"))
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	h.expect(r.ID, deploy.Queued, deploy.Waiting)
	h.clock.Advance(6 * time.Second)
	h.expect(r.ID, deploy.Done, deploy.Waiting)
}

// A migration that breaks its database's connection each time is not run for
// ever: it may be what brings the server down.
func TestAMigrationThatBreaksTheConnectionEndsForAPerson(t *testing.T) {
	h := newHarness(t)
	tries := 0
	h.engine.before = func(_, version string) error {
		if version == "2" {
			tries++
			return fault.New(fault.Unreachable, "the connection broke")
		}
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	for range 4 {
		h.expect(r.ID, deploy.Queued, deploy.Waiting)
		h.clock.Advance(6 * time.Second)
	}
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	if tries != 5 {
		t.Errorf("it ran %d times", tries)
	}
}

func TestAmbiguousAsksAPerson(t *testing.T) {
	h := newHarness(t)
	h.engine.before = once("orders-us", "2", &executor.AmbiguousError{Version: "2", Path: "migrations/2_b.sql", Statement: 3, Line: 9, Evidence: "no index"})
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	h.settle()
	h.approve(r, "ann")
	h.expect(r.ID, deploy.Done, deploy.Ambiguous)
	want := []deploy.Next{{Verb: "resolve", Args: []string{"2#3", "applied"}}, {Verb: "resolve", Args: []string{"2#3", "retry"}}}
	if diff := cmp.Diff(want, h.stage(r.ID, "prod").Reasons[0].Next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	_, err := h.service.Retry(h.ctx, in(on(r, "ann"), "prod"))
	refused(t, err, deploy.StageAmbiguous)
	skip := in(on(r, "ann"), "prod")
	skip.Version, skip.Reason = "2", "never mind"
	_, err = h.service.Skip(h.ctx, skip)
	refused(t, err, deploy.StageAmbiguous)

	c := on(r, "ann")
	c.Version, c.Step, c.Outcome = "2", 4, deploy.OutcomeRetry
	_, err = h.service.Resolve(h.ctx, c)
	if reason := refused(t, err, deploy.CommandUnknown); len(reason.Next) != 2 {
		t.Errorf("next = %v", reason.Next)
	}
	c.Step, c.Outcome = 3, "perhaps"
	_, err = h.service.Resolve(h.ctx, c)
	refused(t, err, deploy.CommandInvalid)
	c.Outcome = deploy.OutcomeRetry
	c.Actor = forgeUser("wes")
	_, err = h.service.Resolve(h.ctx, c)
	refused(t, err, deploy.CommandDenied)
	c.Actor = forgeUser("bob")
	answer, err := h.service.Resolve(h.ctx, c)
	h.must(err)
	if diff := cmp.Diff([]string{"orders-us"}, answer.Databases); diff != "" {
		t.Errorf("databases (-want +got):\n%s", diff)
	}
	h.expect(r.ID, deploy.Done, deploy.Done)
	if diff := cmp.Diff([]executor.Resolution{{Version: "2", N: 3, Answer: executor.ResolvedRetry}}, h.engine.databases["orders-us"].answers); diff != "" {
		t.Errorf("the executor was told (-want +got):\n%s", diff)
	}
}

func TestCancelStopsBeforeTheNextFile(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create), "2_b.sql": new(create)})
	h.settle()
	h.engine.after = func(name, version string) error {
		if name != "orders-eu" || version != "1" {
			return nil
		}
		_, err := h.service.Cancel(h.ctx, in(on(r, "wes"), "prod"))
		return err
	}
	h.approve(r, "ann")
	h.settle()
	if diff := cmp.Diff(map[string]int{"1": 1}, h.engine.effects("orders-eu")); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if state := h.stage(r.ID, "prod").Tasks[0].State; state != deploy.Cancelled {
		t.Errorf("orders-eu is %s", state)
	}
	h.engine.after = nil
	_, err := h.service.Retry(h.ctx, in(on(r, "wes"), "prod"))
	h.must(err)
	h.expect(r.ID, deploy.Done, deploy.Done)
}

func TestTwoProjectsOnOneDatabase(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		other := c.Projects[0]
		other.Path, other.History = "billing", "billing"
		c.Projects = append(c.Projects, other)
	})
	first, second := h.config.Projects[0], h.config.Projects[1]
	var all []deploy.Release
	for i := range 4 {
		version := string(rune('1' + i))
		all = append(all,
			h.merge(first, files{version + "_a.sql": new(create)}, byPR(i+1)),
			h.merge(second, files{version + "_b.sql": new(create)}, byPR(i+1)))
	}
	h.settle()
	for _, r := range all {
		c := in(on(r, "ann"), "prod")
		_, err := h.service.Approve(h.ctx, c)
		reason := refused(t, err, deploy.CommandChoose)
		if len(reason.Next) != 2 || reason.Next[0].Release == reason.Next[1].Release {
			t.Fatalf("next = %v", reason.Next)
		}
		c.Release = r.ID
		_, err = h.service.Approve(h.ctx, c)
		h.must(err)
	}
	for _, r := range all {
		h.expect(r.ID, deploy.Done, deploy.Done)
	}
	if h.engine.clashes > 0 {
		t.Errorf("two tasks ran at once on one database %d times", h.engine.clashes)
	}
	for name, d := range h.engine.databases {
		if len(d.ledger) != 8 {
			t.Errorf("%s: %d of 8 migrations", name, len(d.ledger))
		}
		for version, times := range d.effects {
			if times != 2 { // once for each history
				t.Errorf("%s: version %s took effect %d times", name, version, times)
			}
		}
	}
}

func TestMissingConfigurationIsAFailureThatSaysSo(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Databases[0].Engine = "oracle" })
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	if f := h.stage(r.ID, "test").Tasks[0].Failure; f.Code != fault.Unsupported {
		t.Errorf("failure = %+v", f)
	}
}

func TestConfigValidation(t *testing.T) {
	c := testConfig()
	c.Environments[1].Approvals = deploy.Approvals{}
	c.Environments = append(c.Environments, deploy.Environment{Name: "prod", Rollout: "window"})
	c.Databases = append(c.Databases, deploy.Database{Name: "lost", Environment: "nowhere", URL: secret.Literal("x")})
	c.Projects = append(c.Projects, deploy.Project{Repository: "x", Databases: map[string]string{"app": "none"}})
	err := c.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 5 {
		t.Errorf("got %v", err)
	}
	if err := testConfig().Validate(); err != nil {
		t.Error(err)
	}
	if !slices.Equal([]string{"orders-eu", "orders-us"}, names(testConfig().Targets(c.Projects[0], "prod"))) {
		t.Error("targets of prod")
	}
}

func names(databases []deploy.Database) []string {
	var names []string
	for _, d := range databases {
		names = append(names, d.Name)
	}
	return names
}
