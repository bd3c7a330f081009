package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestWhereItCannotRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, login := b.Login()
	for name, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"missing grants": {login, fault.Denied, `GRANT CREATE ON DATABASE`},
		"read only":      {b.URL + "&default_transaction_read_only=on", fault.Conflict, "read only"},
	} {
		_, err := openTarget(c.url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a()"})})
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.MustApply(map[string]string{"1_a.sql": "create table a()"})
	if _, err := openTarget(login).Status(t.Context(), "", nil); fault.CodeOf(err) != fault.Denied {
		t.Errorf("status without grants: %v", err)
	}
}

func TestALockOnTheLedgerIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	holder := b.Session()
	var waited []string
	result, err := b.Apply(t.Context(), executor.Run{
		Migrations: load(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}),
		Limits:     executor.Limits{LockTimeout: 20 * time.Millisecond, LockRetryFor: time.Minute},
		Progress: func(e executor.Event) {
			switch {
			case e.State == executor.EventApplied && e.Version == "1":
				b.On(holder, "begin", "select epoch from shipsql.meta for update")
			case e.State == executor.EventRetrying:
				waited = append(waited, e.Detail)
				b.On(holder, "rollback")
			}
		},
	})
	if err != nil || len(result.Outcomes) != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if len(waited) != 1 || !strings.Contains(waited[0], "another session has a lock on the ledger") {
		t.Errorf("waited for %q", waited)
	}
}
