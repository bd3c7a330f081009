package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// A file, its row and COMMIT are one write: each more would cost a round trip.
func TestAFileIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	proxy, through := b.BehindProxy()
	var writes []int
	_, err := openTarget(through).Apply(t.Context(), executor.Run{
		Migrations: load(t, map[string]string{
			"1_a.sql": "create table a(n int)", "2_b.sql": "insert into a values (1); insert into a values (2)",
			"3_c.sql": "set work_mem = '4MB'; select 1", "4_d.sql": "begin; insert into a values (3); commit; insert into a values (4)",
		}),
		Progress: func(e executor.Event) {
			if e.State == executor.EventApplied {
				writes = append(writes, proxy.Chunks())
				proxy.Arm(nil) // counts from here
			}
		},
	})
	if err != nil || writes[1] != 1 || writes[2] != 1 || writes[3] != 4 { // two parts, a reset before the BEGIN of the file's, and what file 3 may have dropped
		t.Errorf("%v writes, %v", writes, err)
	}
}

// waitsFor says that a session waits for an advisory lock.
func waitsFor(lock int) string {
	return fmt.Sprintf("exists (select from pg_locks join pg_database d on d.oid = database where datname = current_database() and locktype = 'advisory' and objid = %d and not granted)", lock)
}

// TestACutWhileTheStatementGoesOn has the server go on, to the COMMIT that it has
// already.
func TestACutWhileTheStatementGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  string // what becomes of the session that was cut
		want string
		n    string // the counter behind it, and how often the file was tried
	}{
		"goes on":      {"select pg_advisory_unlock(8)", "1 applied, 2 applied, 3 applied", "11|1"},
		"is ended too": {"select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'advisory' and datname = current_database()", "1 applied", "0|1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec("create table counter(n int); insert into counter values (0); create sequence tries; select pg_advisory_lock(7), pg_advisory_lock(8)")
			address, through := behindAddress(t, b.URL)
			files := map[string]string{
				"1_a.sql": "create table a()",
				"2_b.sql": "select nextval('tries');\nupdate counter set n = n + 1;\n" +
					"do 'declare n int = 7; begin loop begin perform pg_advisory_lock(n); exit; exception when query_canceled then n = 8; end; end loop; end'",
				"3_c.sql": "update counter set n = n + 10",
			}
			result, err := openTarget(through).Apply(t.Context(), executor.Run{
				Migrations: load(t, files), Limits: unhurried, Progress: func(e executor.Event) {
					switch {
					case e.State == executor.EventRunning && e.Version == "2" && e.Statement == 3:
						b.await(waitsFor(7))
						address.lose()
					case e.State == executor.EventWaiting:
						b.await(waitsFor(8)) // the client that was cut sent a cancel
						b.Exec(c.end)
					}
				},
			})
			if got := kinds(result); got != c.want {
				t.Errorf("outcomes %q, want %q", got, c.want)
			}
			if strings.HasSuffix(c.want, "3 applied") != (err == nil) {
				t.Errorf("error %v", err)
			}
			var failure *executor.Failure
			if err != nil && (!errors.As(err, &failure) || failure.Version != "2" || failure.Statement != 3 || failure.Code != fault.Unreachable) {
				t.Errorf("error %v", err)
			}
			b.Want("select n, last_value from counter, tries", c.n)
			b.Exec("select pg_advisory_unlock_all()")
			b.MustApply(files)
			b.Want("select n from counter", "11")
		})
	}
}

// COMMIT is not cancelled, whatever it waits for.
func TestACommitIsNotCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(`create table a(n int); create function waits() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(7); return new; end';
		create constraint trigger waits after insert on a deferrable initially deferred for each row execute function waits(); select pg_advisory_lock(7)`)
	files := map[string]string{"1_a.sql": "insert into a values (1)", "2_b.sql": "insert into a values (2)"}
	folder, inserted, cancel, done := load(t, files), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var result executor.Result
	go func() {
		var err error
		result, err = b.Apply(context.WithoutCancel(t.Context()), executor.Run{Migrations: folder, Limits: unhurried, Cancel: cancel, Progress: func(e executor.Event) {
			if e.State == executor.EventDone {
				close(inserted)
			}
		}})
		done <- err
	}()
	<-inserted
	b.await(waitsFor(7))
	close(cancel)
	select {
	case err := <-done:
		t.Errorf("COMMIT was cancelled: %v", err)
	case <-time.After(100 * time.Millisecond): // the server would have heard of it
		b.Exec("select pg_advisory_unlock(7)")
		if err := <-done; !errors.Is(err, executor.ErrCancelled) || kinds(result) != "1 applied" {
			t.Errorf("%s, %v", kinds(result), err)
		}
	}
	b.Want("select n from a", "1")
}

// A file's limit is for its statements: the fence may wait, and the ledger's row
// take its time.
func TestALimitOfTheFileIsNotOurs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	b.Exec(`create function takes() returns trigger language plpgsql as 'begin perform pg_sleep(0.7); return new; end'`,
		"create trigger takes before insert on shipsql.migrations for each row when (new.version > '2') execute function takes()")
	holder, held := b.Session(), sync.WaitGroup{}
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "select 1",
		"3_whole.sql": "-- shipsql: statement_timeout=500ms\nselect 1", "4_parts.sql": "-- shipsql: statement_timeout=500ms\nbegin; select 1; commit; select 1"}
	result, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, files), Limits: unhurried, Progress: func(e executor.Event) {
		if e.State == executor.EventApplied && e.Version == "2" {
			b.On(holder, "begin", "select epoch from shipsql.meta for update")
			held.Go(func() {
				if _, err := holder.ExecContext(t.Context(), "select pg_sleep(0.7); commit"); err != nil {
					t.Error(err)
				}
			})
		}
	}})
	held.Wait()
	if err != nil || kinds(result) != "1 already_applied, 2 applied, 3 applied, 4 applied" {
		t.Errorf("%s: %v", kinds(result), err)
	}
}

// Somebody writes the row by hand, while the run holds the lock.
func TestARowThatSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{"1_a.up.sql": "create table a(n int)", "2_b.up.sql": "insert into a values (1)", "2_b.down.sql": "insert into a values (2)", "3_c.up.sql": "select 1", "3_c.down.sql": "select 1"}
	folder := load(t, files)
	_, err := b.Apply(t.Context(), executor.Run{Migrations: folder, Progress: func(e executor.Event) {
		if e.State == executor.EventApplied {
			b.Exec("insert into shipsql.migrations select history, kind, '2', 'b', 'x', 'skipped', '', '', now(), now(), '' from shipsql.migrations")
		}
	}})
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "row of version 2 changed") {
		t.Errorf("apply: %v", err)
	}
	b.Want("select count(*) from a", "0")
	b.Exec("delete from shipsql.migrations where version = '2'")
	b.MustApply(files)
	_, err = b.Undo(t.Context(), executor.Run{Migrations: folder[1:], Progress: func(e executor.Event) {
		if e.State == executor.EventUndone {
			b.Exec("delete from shipsql.migrations where version = '2'")
		}
	}})
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "row of version 2 changed") {
		t.Errorf("undo: %v", err)
	}
	b.Want("select n from a", "1")
}

// kinds are a result's outcomes, as "version kind".
func kinds(r executor.Result) string {
	var all []string
	for _, o := range r.Outcomes {
		all = append(all, o.Version+" "+string(o.Kind))
	}
	return strings.Join(all, ", ")
}
