package mysql_test

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

// holding begins a transaction that keeps a lock on a table until it is let go.
func (b *bench) holding(table string) (letGo func()) {
	b.t.Helper()
	tx, err := b.db.BeginTx(b.t.Context(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := tx.ExecContext(b.t.Context(), "update "+table+" set n = n"); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			b.t.Error(err)
		}
	}
}

func TestARefusedLockIsTriedAgain(t *testing.T) {
	for name, text := range map[string]string{"schema": "alter table a add column m int", "rows": "update a set n = 2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.exec("create table a(n int); insert into a values (1)")
			letGo := b.holding("a")
			retries := 0
			run := executor.Run{
				Migrations: load(t, map[string]string{"1_x.sql": "create table made_before(n int); " + text}),
				Limits:     executor.Limits{LockTimeout: 20 * time.Millisecond, LockRetryFor: time.Minute},
				Progress: func(e executor.Event) {
					if e.State == executor.EventRetrying {
						if retries++; retries == 2 {
							letGo()
						}
					}
				},
			}
			result, err := b.Apply(t.Context(), run)
			if err != nil || result.Outcomes[0].Kind != executor.Applied || retries != 2 {
				t.Fatalf("%+v, %v after %d retries", result, err, retries)
			}
		})
	}
}

func TestALockThatIsNeverHad(t *testing.T) {
	b := newBench(t)
	b.exec("create table a(n int); insert into a values (1)")
	letGo := b.holding("a")
	_, err := b.apply(map[string]string{"1_x.sql": "\nalter table a add column m int"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Code != fault.LockTimeout || failure.Line != 2 {
		t.Fatalf("error %v", err)
	}
	letGo()
	b.want("select count(*) from shipsql_migrations", "0")
}

func TestLimitsAndDirectives(t *testing.T) {
	b := newBench(t)
	b.exec("create table seen(n int, l int)")
	result := b.mustApply(map[string]string{
		"1_x.sql": "-- shipsql: statement_timeout=1h\ninsert into seen values (1, @@lock_wait_timeout)",
		"2_x.sql": "-- shipsql: lock_timeout=1h\ninsert into seen values (2, @@innodb_lock_wait_timeout)",
	})
	if len(result.Outcomes[1].Notes) != 1 || !strings.Contains(result.Outcomes[1].Notes[0], "lock_timeout=1h0m0s") {
		t.Errorf("notes %q", result.Outcomes[1].Notes)
	}
	b.want("select n, l from seen order by n", "1|1\n2|1")
	slow := executor.Limits{LockTimeout: 9 * time.Second}
	text := "-- shipsql: lock_timeout=7s\ninsert into seen values (5, @@lock_wait_timeout);\n-- shipsql: lock_timeout=3s\ninsert into seen values (6, @@lock_wait_timeout);\ninsert into seen values (7, @@lock_wait_timeout)"
	if _, err := b.Apply(t.Context(), executor.Run{Limits: slow, Migrations: load(t, map[string]string{"4_x.sql": text})}); err != nil {
		t.Fatal(explain(err))
	}
	b.want("select group_concat(l order by n) from seen where n > 4", "7,3,7")
	// A quote that a backslash takes is no end of a string, so the directive is one.
	text = "set @s = 'it\\'s';\n-- shipsql: lock_timeout=3s\ninsert into seen values (4, @@lock_wait_timeout)"
	if _, err := b.Apply(t.Context(), executor.Run{Limits: slow, Migrations: load(t, map[string]string{"5_x.sql": text})}); err != nil {
		t.Fatal(explain(err))
	}
	b.want("select l from seen where n = 4", "3")
	_, err := b.apply(map[string]string{"6_x.sql": "-- shipsql: statement_timeout=20ms\ninsert into seen select 9, sleep(60)"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Code != fault.SQLError || !strings.Contains(failure.Message, "longer than its limit") {
		t.Fatalf("error %v", explain(err))
	}
	b.want("select count(*) from seen", "6")
}

func TestRacingRunnersApplyOnce(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table counter(n int); insert into counter values (0)"}
	for _, version := range []string{"2", "3", "4", "5", "6"} {
		files[version+"_inc.sql"] = "update counter set n = n + 1"
	}
	files["7_i.sql"] = "update counter set n = n + 1; alter table counter add index (n); update counter set n = n + 1"
	var applied sync.Map
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			result, err := openTarget(b.url).Apply(context.Background(), executor.Run{Migrations: load(t, files), Limits: patient})
			if err != nil {
				t.Error(err)
			}
			for _, o := range result.Outcomes {
				if o.Kind != executor.Applied {
					continue
				}
				if _, twice := applied.LoadOrStore(o.Version, true); twice {
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
		asked := 0
		_, err := openTarget(b.url).Apply(context.Background(), executor.Run{
			Task: "01TASK", Migrations: load(t, map[string]string{"1_x.sql": "create table x(n int)"}),
			StillMine: func(context.Context) error {
				if asked++; asked == 2 { // when the epoch is minted
					close(inside)
					<-leave
				}
				return nil
			},
		})
		done <- err
	}()
	<-inside
	var waiting string
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_x.sql": "create table x(n int)"}), Limits: executor.Limits{LockRetryFor: time.Millisecond},
		Progress: func(e executor.Event) { waiting = e.Detail },
	}
	_, err := b.Apply(t.Context(), run)
	close(leave)
	if fault.CodeOf(err) != fault.LockTimeout || !strings.Contains(err.Error(), "shipsql/01TASK/1 (connection ") || !strings.Contains(err.Error(), "since ") {
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
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	run := executor.Run{Migrations: load(t, files), Progress: func(e executor.Event) {
		if e.State == executor.EventApplied && e.Version == "1" {
			b.exec("update shipsql_meta set epoch = epoch + 1")
		}
	}}
	if _, err := b.Apply(t.Context(), run); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "took the database over") {
		t.Fatalf("error %v", err)
	}
	b.want("select version from shipsql_migrations", "1")
}

func TestALostLockStopsTheRun(t *testing.T) {
	b := newBench(t)
	b.exec("create procedure sneaky() begin do release_all_locks(); end", "create table a(n int)",
		"create trigger sly before insert on a for each row set new.n = release_all_locks()")
	for _, text := range []string{"call sneaky()", "insert into a values (1)"} {
		_, err := b.apply(map[string]string{"1_a.sql": text, "2_b.sql": "create table b(n int)"})
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "lost the database's lock") {
			t.Fatalf("%s: error %v", text, err)
		}
		b.wantTable("b", false)
		b.exec("delete from shipsql_steps", "delete from shipsql_migrations")
	}
	b.want("select count(*) from a", "0")
}

func TestInterruption(t *testing.T) {
	b := newBench(t)
	t.Run("what was begun is finished", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int); create table b(n int)"}), Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				cancel()
			}
		}}
		_, err := b.Apply(ctx, run)
		if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unreachable {
			t.Fatalf("error %v", err)
		}
		b.want("select version, n, state from shipsql_steps", "1|1|done")
		b.wantTable("b", false)
	})
	for name, text := range map[string]string{"rows": "insert into a select sleep(600)", "schema": "alter table big add column l varchar(200) default (sha2(concat(repeat('x', 1000000), n), 512)), algorithm=copy"} {
		t.Run("not beyond the grace time: "+name, func(t *testing.T) {
			b := newBench(t)
			b.exec("create table a(n int); create table big(n int); insert into big select seq from seq_1_to_1000")
			ctx, cancel := context.WithCancel(t.Context())
			run := executor.Run{
				Migrations: load(t, map[string]string{"3_slow.sql": text}),
				Limits:     executor.Limits{Grace: 10 * time.Millisecond},
				Progress: func(e executor.Event) {
					if e.State == executor.EventRunning {
						cancel()
					}
				},
			}
			_, err := b.Apply(ctx, run)
			if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unreachable {
				t.Fatalf("error %v", err)
			}
			b.want("select count(*) from shipsql_migrations", "0")
			b.want("select count(*) from information_schema.processlist where info like '%repeat(%' and id <> connection_id() and db = database()", "0")
		})
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	b.exec("create table a(n int)")
	cancel := make(chan struct{})
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_slow.sql": "insert into a values (1); create table made(n int); insert into a select sleep(600)"}), Cancel: cancel,
		Progress: func(e executor.Event) {
			if e.State == executor.EventRunning && e.Statement == 3 {
				close(cancel)
			}
		},
	}
	if _, err := b.Apply(t.Context(), run); !errors.Is(err, executor.ErrCancelled) {
		t.Fatalf("error %v", err)
	}
	b.want("select n, state from shipsql_steps", "1|done\n2|done")
}

func TestWhereItCannotRun(t *testing.T) {
	b := newBench(t)
	address := func(edit func(*url.URL)) string {
		u, err := url.Parse(b.url)
		if err != nil {
			t.Fatal(err)
		}
		edit(u)
		return u.String()
	}
	b.exec("create user poor identified by 'secret-word'", "grant select on *.* to poor")
	t.Cleanup(func() {
		if _, err := b.db.ExecContext(context.Background(), "drop user poor"); err != nil {
			t.Error(err)
		}
	})
	login := func(u *url.URL) { u.User = url.UserPassword("poor", "secret-word") }
	for name, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"nobody listens":    {address(func(u *url.URL) { u.Host = "127.0.0.1:1" }), fault.Unreachable, "can't be reached"},
		"wrong password":    {address(func(u *url.URL) { u.User = url.UserPassword("poor", "hunter2-hunter2") }), fault.Denied, "refuses the login"},
		"no such database":  {address(func(u *url.URL) { u.Path = "/nowhere" }), fault.NotFound, "does not exist"},
		"no database":       {address(func(u *url.URL) { u.Path = "" }), fault.Invalid, "names no database"},
		"unknown parameter": {address(func(u *url.URL) { u.RawQuery = "multiStatements=true" }), fault.Invalid, "unknown"},
		"no TLS there":      {address(func(u *url.URL) { u.RawQuery = "tls=true" }), fault.Unreachable, "TLS"},
		"missing grants":    {address(login), fault.Denied, "GRANT"},
		"no URL":            {"mysql://u:hunter2-hunter2@[", fault.Invalid, "mysql://user:password@host"},
	} {
		_, err := openTarget(c.url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"})})
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	u, _ := url.Parse(b.url)
	socket := privateserver.SharedMariaDB(t).SocketURL(strings.TrimPrefix(u.Path, "/"))
	if _, err := openTarget(socket).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"})}); err != nil {
		t.Error(err)
	}
	b.exec("update shipsql_meta set format = 2")
	if _, err := b.apply(nil); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("newer format: %v", err)
	}
}

func TestTheLocksName(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("x", 60)
	b.exec("create database " + long)
	t.Cleanup(func() {
		if _, err := b.db.ExecContext(context.Background(), "drop database "+long); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	for name, lock := range map[string]string{database: "shipsql/" + database, long: "shipsql/4cb52c36b506b8669e4985ef81b567916625ea5631a41454230b5909"} {
		u.Path = "/" + name
		held := ""
		run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"}), Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				held = b.query("select is_used_lock('" + lock + "') is not null")
			}
		}}
		if _, err := openTarget(u.String()).Apply(t.Context(), run); err != nil || held != "1" {
			t.Errorf("%s: held %s, %v", lock, held, err)
		}
	}
}
