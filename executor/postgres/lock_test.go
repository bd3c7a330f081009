package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

func TestARefusedLockIsTriedAgainAndStallsNobody(t *testing.T) {
	b := newBench(t)
	b.exec("create table a(n int)")
	b.exec("begin; lock table a")
	retries := 0
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_x.sql": "create table made_before(); alter table a add column m int"}),
		Limits:     executor.Limits{LockTimeout: 20 * time.Millisecond, LockRetryFor: time.Minute},
		Progress: func(e executor.Event) {
			if e.State == executor.EventRetrying {
				if retries++; retries == 2 {
					b.exec("commit")
				}
			}
		},
	}
	result, err := b.Apply(t.Context(), run)
	if err != nil || result.Outcomes[0].Kind != executor.Applied || retries != 2 {
		t.Fatalf("%+v, %v after %d retries", result, err, retries)
	}
}

func TestALockThatIsNeverHad(t *testing.T) {
	b := newBench(t)
	b.exec("create table a(n int)")
	b.exec("begin; lock table a")
	_, err := b.apply(map[string]string{"1_x.sql": "create table made_before();\nalter table a add column m int"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Code != fault.LockTimeout || failure.Line != 2 {
		t.Fatalf("error %v", err)
	}
	b.exec("commit")
	b.want("select to_regclass('made_before') is null", "true")
}

func TestLimitsAndDirectives(t *testing.T) {
	b := newBench(t)
	result := b.mustApply(map[string]string{"1_x.sql": `-- shipsql: lock_timeout=70ms
		create table seen as select 1 as n, current_setting('lock_timeout') as l, current_setting('statement_timeout') as s;
		-- shipsql: lock_timeout=30ms statement_timeout=5s
		insert into seen values (2, current_setting('lock_timeout'), current_setting('statement_timeout'));
		insert into seen values (3, current_setting('lock_timeout'), current_setting('statement_timeout'));`,
		"2_x.sql": "-- shipsql: lock_timeout=1h\ninsert into seen values (4, current_setting('lock_timeout'), current_setting('statement_timeout'));",
	})
	if len(result.Outcomes[1].Notes) != 1 || !strings.Contains(result.Outcomes[1].Notes[0], "lock_timeout=1h0m0s") {
		t.Errorf("notes %q", result.Outcomes[1].Notes)
	}
	b.want("select n, l, s from seen order by n", "1|70ms|0\n2|30ms|5s\n3|70ms|0\n4|100ms|0")
	_, err := b.apply(map[string]string{"3_x.sql": "-- shipsql: statement_timeout=20ms\nselect pg_sleep(60)"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "57014" || failure.Code != fault.SQLError {
		t.Fatalf("error %v", err)
	}
}

func TestRacingRunnersApplyOnce(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table counter(n int); insert into counter values (0)"}
	for _, version := range []string{"2", "3", "4", "5", "6"} {
		files[version+"_inc.sql"] = "update counter set n = n + 1"
	}
	files["7_i.sql"] = "update counter set n = n + 1; create index concurrently on counter(n); update counter set n = n + 1"
	var applied sync.Map
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			run := executor.Run{Migrations: load(t, files), Limits: executor.Limits{LockRetryFor: time.Minute}}
			result, err := openTarget(b.url).Apply(context.Background(), run)
			if err != nil {
				t.Error(err)
			}
			for _, o := range result.Outcomes {
				if _, twice := applied.LoadOrStore(o.Version, true); o.Kind == executor.Applied && twice {
					t.Errorf("%s applied twice", o.Version)
				}
			}
		})
	}
	group.Wait()
	b.want("select n from counter", "7")
}

func TestWhoeverHoldsTheLockIsShown(t *testing.T) {
	b := newBench(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := openTarget(b.url).Apply(context.Background(), executor.Run{
			Task: "01TASK", Migrations: load(t, map[string]string{"1_x.sql": "create table x()"}),
			StillMine: func() func(context.Context) error {
				var once sync.Once
				return func(context.Context) error {
					once.Do(func() { close(inside); <-leave })
					return nil
				}
			}(),
		})
		done <- err
	}()
	<-inside
	var waiting string
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_x.sql": "create table x()"}), Limits: executor.Limits{LockRetryFor: time.Millisecond},
		Progress: func(e executor.Event) { waiting = e.Detail },
	}
	_, err := b.Apply(t.Context(), run)
	close(leave)
	if fault.CodeOf(err) != fault.LockTimeout || !strings.Contains(err.Error(), "shipsql/01TASK (pid ") || !strings.Contains(err.Error(), "since ") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(waiting, "shipsql/01TASK") {
		t.Errorf("event %q", waiting)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAnOvertakenRunStops(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}
	run := executor.Run{Migrations: load(t, files), Progress: func(e executor.Event) {
		if e.State == executor.EventApplied && e.Version == "1" {
			b.exec("update shipsql.meta set epoch = epoch + 1")
		}
	}}
	if _, err := b.Apply(t.Context(), run); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "took the database over") {
		t.Fatalf("error %v", err)
	}
	b.want("select version from shipsql.migrations", "1")
}

func TestALostLockStopsTheRun(t *testing.T) {
	b := newBench(t)
	b.exec("create function sneaky() returns void language sql as 'select pg_advisory_unlock_all()'")
	_, err := b.apply(map[string]string{"1_a.sql": "select sneaky()", "2_b.sql": "create table b()"})
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "lost the database's lock") {
		t.Fatalf("error %v", err)
	}
	b.want("select to_regclass('b') is null", "true")
}

func TestInterruption(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}
	t.Run("what was begun is finished", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		run := executor.Run{Migrations: load(t, files), Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				cancel()
			}
		}}
		_, err := b.Apply(ctx, run)
		if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unreachable {
			t.Fatalf("error %v", err)
		}
		b.want("select version from shipsql.migrations", "1")
	})
	t.Run("not beyond the grace time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		run := executor.Run{
			Migrations: load(t, map[string]string{"3_slow.sql": "create table c(); select pg_sleep(600)"}),
			Limits:     executor.Limits{Grace: 10 * time.Millisecond},
			Progress: func(e executor.Event) {
				if e.State == executor.EventRunning && e.Statement == 2 {
					cancel()
				}
			},
		}
		_, err := b.Apply(ctx, run)
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		b.want("select to_regclass('c') is null", "true")
		eventually(t, "the statement ends", func() bool {
			return b.query("select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid() and datname = current_database() and state = 'active'") == "0"
		})
	})
}

func TestWhereItCannotRun(t *testing.T) {
	b := newBench(t)
	server := privateserver.SharedPostgres(t)
	address := func(edit func(*url.URL)) string {
		u, err := url.Parse(b.url)
		if err != nil {
			t.Fatal(err)
		}
		edit(u)
		return u.String()
	}
	b.exec("create role nobody login password 'secret-word'")
	defer b.exec("drop role nobody")
	login := func(u *url.URL) { u.User = url.UserPassword("nobody", "secret-word") }
	for name, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"nobody listens":   {address(func(u *url.URL) { u.Host = "127.0.0.1:1" }), fault.Unreachable, "can't be reached"},
		"wrong password":   {address(func(u *url.URL) { u.User = url.UserPassword("postgres", "hunter2-hunter2") }), fault.Denied, "refuses the login"},
		"no such database": {server.URL("nowhere"), fault.NotFound, "does not exist"},
		"missing grants":   {address(login), fault.Denied, `GRANT CREATE ON DATABASE`},
		"read only":        {address(func(u *url.URL) { u.RawQuery += "&default_transaction_read_only=on" }), fault.Conflict, "read only"},
		"no URL":           {"postgres://u:hunter2-hunter2@[", fault.Invalid, "postgres://user:password@host"},
	} {
		_, err := openTarget(c.url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a()"})})
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	b.mustApply(map[string]string{"1_a.sql": "create table a()"})
	if _, err := openTarget(address(login)).Status(t.Context(), "", nil); fault.CodeOf(err) != fault.Denied {
		t.Errorf("status without grants: %v", err)
	}
	b.exec("update shipsql.meta set format = 2")
	if _, err := b.apply(nil); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("newer format: %v", err)
	}
	if _, err := b.Status(t.Context(), "", nil); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("status of a newer format: %v", err)
	}
}

func TestStatusReadsAnywhere(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a()"}
	if got := b.states(files); got != "1 pending 0/1" {
		t.Errorf("without a ledger: %q", got)
	}
	b.want("select to_regnamespace('shipsql') is null", "true")
	b.mustApply(files)
	if got := b.states(nil); got != "1 missing 0/0" {
		t.Errorf("without the file: %q", got)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	c, err := b.Catalog(t.Context())
	if err != nil || c == nil {
		t.Errorf("catalog: %v", err)
	}
}

func TestMarks(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()"}
	b.mustApply(map[string]string{"1_a.sql": "create table a()"})
	mark := executor.Mark{Migrations: load(t, files), Actor: "ann", Reason: "by hand"}
	if err := b.Skip(t.Context(), mark); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "applied") {
		t.Errorf("skipping an applied one: %v", err)
	}
	if err := b.Baseline(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	b.want("select version, state, note from shipsql.migrations order by 1", "1|applied|\n2|baseline|baseline by ann: by hand")
	mark.Migrations = load(t, map[string]string{"3_c.sql": "create table c()"})
	for range 2 {
		if err := b.Skip(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
	}
	b.mustApply(map[string]string{"3_c.sql": "create table c()"})
	b.want("select to_regclass('c') is null", "true")
}
