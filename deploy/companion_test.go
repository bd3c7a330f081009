package deploy_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
)

// Query answers what a companion asks: there is no table yet, and the schema is
// public.
func (t *fakeTarget) Query(_ context.Context, q executor.Query, each func(func(...any) error) error) error {
	if strings.Contains(q.SQL, "information_schema") {
		return nil
	}
	return each(func(dest ...any) error {
		*dest[0].(*string) = "public"
		return nil
	})
}

func (t *fakeTarget) Status(_ context.Context, _ string, folder []executor.Migration) (all []executor.Entry, _ error) {
	for _, m := range folder {
		all = append(all, executor.Entry{Version: m.Version, State: executor.StatePending})
	}
	return all, nil
}

// TestConfigurationReachesTheRun: the tool whose history is kept along, the role,
// and the policy about ALTERs.
func TestConfigurationReachesTheRun(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		c.Projects[0].Compat = "goose"
		c.Databases[0].SetRole = "owner"
		c.Environments[0].Online = "assert"
	})
	var mu sync.Mutex
	var run executor.Run
	h.engine.during = func(r executor.Run, _, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		run = r
		return nil
	}
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	if run.Role != "owner" || run.Limits.Online != "assert" || run.Companion == nil {
		t.Fatalf("%+v", run)
	}
	prepare := run.Companion.Prepare()
	record := run.Companion.Record(run.Migrations[0])
	if len(prepare) == 0 || !strings.Contains(prepare[0].SQL, "`public`.`goose_db_version`") || len(record) == 0 || !strings.Contains(record[len(record)-1].SQL, "VALUES (1, true)") {
		t.Errorf("%+v, %+v", prepare, record)
	}
}

func TestAVersionThatTheToolCannotHold(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) { c.Projects[0].Compat = "golang-migrate" })
	r := h.merge(h.project(), files{"1.2_a.sql": new(create)})
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	if f := h.stage(r.ID, "test").Tasks[0].Failure; f == nil || !strings.Contains(f.Message, "no whole number") {
		t.Errorf("%+v", f)
	}
}
