package enginetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// triedAgain refuses locks twice; between the attempts others get theirs.
func triedAgain(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (1)")
	for n, text := range []string{"alter table a add column m int", "update a set n = 2"} {
		holder := b.Session("begin", "update a set n = n")
		retries := 0
		result := b.mustRun(executor.Run{
			Migrations: b.load(map[string]string{fmt.Sprintf("%d_x.sql", n+1): fmt.Sprintf("create table made_before%d(n int); %s", n, text)}),
			Limits:     executor.Limits{LockTimeout: 20 * time.Millisecond, LockRetryFor: time.Minute},
			Progress: func(e executor.Event) {
				if e.State != executor.EventRetrying {
					return
				}
				b.Want("select count(*) from a", "1")
				if retries++; retries == 2 {
					b.On(holder, "rollback")
				}
			},
		})
		if wantOutcomes(t, result, fmt.Sprintf("%d applied", n+1)); retries < 2 {
			t.Errorf("%s: %d retries", text, retries)
		}
	}
	b.Want("select n from a", "2")
}

func givenUp(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (1)")
	holder := b.Session("begin", "update a set n = n")
	_, err := b.ApplyFiles(map[string]string{"1_x.sql": "\nalter table a add column m int"})
	wantCode(t, err, fault.LockTimeout)
	if failure := wantFailure(t, err, 1); failure.Line != 2 {
		t.Errorf("failure %+v", failure)
	}
	b.On(holder, "rollback")
	b.wantRows("version", "")
	b.Want("select n from a", "1")
}

func limits(t *testing.T, b *Bench) {
	b.Exec("create table seen(n int, l int)", "create table a(n int)")
	see := func(n int) string {
		return fmt.Sprintf("insert into seen values (%d, %s);\n", n, b.engine.SQL.LockTimeout)
	}
	result := b.mustRun(executor.Run{Limits: executor.Limits{LockTimeout: 9 * time.Second}, Migrations: b.load(map[string]string{
		"1_x.sql": see(1),
		"2_x.sql": "-- shipsql: lock_timeout=7s\n" + see(2) + "-- shipsql: lock_timeout=3s\n" + see(3) + see(4),
		"3_x.sql": "-- shipsql: lock_timeout=1h\n" + see(5),
	})})
	if notes := result.Outcomes[2].Notes; len(notes) != 1 || !strings.Contains(notes[0], "lock_timeout=1h0m0s") {
		t.Errorf("notes %q", notes)
	}
	b.Want("select n, l from seen order by n", "1|9\n2|7\n3|3\n4|7\n5|9")
	_, err := b.ApplyFiles(map[string]string{"4_x.sql": "-- shipsql: statement_timeout=20ms\n" + b.engine.SQL.Slow})
	wantCode(t, err, fault.SQLError)
	_ = wantFailure(t, err, 1)
	b.Want("select count(*) from a", "0")
}

func racing(t *testing.T, b *Bench) {
	files := map[string]string{
		"1_a.sql": "create table counter(n int); insert into counter values (0)",
		"7_i.sql": "-- shipsql: transaction=off\nupdate counter set n = n + 1; create index nth on counter(n); update counter set n = n + 1",
	}
	for _, version := range []string{"2", "3", "4", "5", "6"} {
		files[version+"_inc.sql"] = "update counter set n = n + 1"
	}
	run := executor.Run{Migrations: b.load(files), Limits: Patient}
	var applied sync.Map
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			result, err := b.open(b.URL).Apply(t.Context(), run)
			if err != nil {
				t.Error(Explain(err))
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
	b.Want("select n from counter", "7")
}

// holding has another run hold the database's lock until it is let go.
func (b *Bench) holding(task string) (letGo func()) {
	b.tb.Helper()
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	asked := 0
	go func() {
		_, err := b.open(b.URL).Apply(b.tb.Context(), executor.Run{
			Task: task, Migrations: b.load(map[string]string{"1_x.sql": "create table x(n int)"}),
			StillMine: func(context.Context) error {
				if asked++; asked == 2 { // it has the lock, and wrote its epoch
					close(inside)
					<-leave
				}
				return nil
			},
		})
		done <- err
	}()
	select {
	case <-inside:
	case err := <-done:
		b.tb.Fatalf("the run that was to hold the lock ended: %v", err)
	}
	return func() {
		close(leave)
		if err := <-done; err != nil {
			b.tb.Error(Explain(err))
		}
	}
}

func holderIsShown(t *testing.T, b *Bench) {
	letGo := b.holding("01TASK")
	var waiting string
	_, err := b.Apply(t.Context(), executor.Run{
		Migrations: b.load(map[string]string{"1_x.sql": "create table x(n int)"}), Limits: executor.Limits{LockRetryFor: time.Millisecond},
		Progress: func(e executor.Event) { waiting = string(e.State) + " " + e.Detail },
	})
	letGo()
	wantCode(t, err, fault.LockTimeout, "shipsql/01TASK", "since ")
	if !strings.HasPrefix(waiting, "waiting ") || !strings.Contains(waiting, "shipsql/01TASK") {
		t.Errorf("event %q", waiting)
	}
}

func overtaken(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	_, err := b.Apply(t.Context(), executor.Run{
		Migrations: b.load(files),
		Progress: func(e executor.Event) {
			if e.State == executor.EventApplied && e.Version == "1" {
				b.Exec("update " + b.ledger("meta") + " set epoch = epoch + 1")
			}
		},
	})
	wantCode(t, err, fault.Conflict, "took the database over")
	b.Want("select version from "+b.ledger("migrations")+" where state = 'applied'", "1")
	b.WantTable("b", false)
	b.MustApply(files)
	b.wantRows("version, state", "1|applied\n2|applied")
}

func lostLock(t *testing.T, b *Bench) {
	b.Exec(b.engine.SQL.Sneaky)
	_, err := b.ApplyFiles(map[string]string{"1_a.sql": "call sneaky()", "2_b.sql": "create table b(n int)"})
	wantCode(t, err, fault.Conflict, "lost the database's lock")
	b.WantTable("b", false)
}
