package enginetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// interruptedAt applies a folder and ends the context as the last statement of
// version 1 starts.
func (b *Bench) interruptedAt(files map[string]string, l executor.Limits) error {
	b.tb.Helper()
	ctx, cancel := context.WithCancel(b.tb.Context())
	defer cancel()
	_, err := b.Apply(ctx, executor.Run{Migrations: b.load(files), Limits: l, Progress: func(e executor.Event) {
		if e.State == executor.EventRunning && e.Version == "1" && e.Statement == e.Total {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		b.tb.Errorf("error %v", Explain(err))
	}
	return err
}

func finishes(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	wantCode(t, b.interruptedAt(files, executor.Limits{}), fault.Unreachable)
	b.WantStates(files, "1 applied 1/1\n2 pending 0/1")
	b.WantTable("b", false)
}

func graceIsOver(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)")
	files := map[string]string{"1_slow.sql": "insert into a values (1); " + b.engine.SQL.Slow}
	wantCode(t, b.interruptedAt(files, executor.Limits{Grace: 10 * time.Millisecond}), fault.Unreachable)
	b.Want("select count(*) from a", "0")
	b.WantStates(files, "1 pending 0/2")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := b.session.ExecContext(ctx, "drop table a"); err != nil { // waits for the statement's locks
		t.Errorf("the statement goes on: %v", err)
	}
}

// cancelled applies a folder, and cancels the run as soon as a statement waits
// for a lock.
func (b *Bench) cancelled(files map[string]string) (executor.Result, error) {
	b.tb.Helper()
	cancel := make(chan struct{})
	once := sync.OnceFunc(func() { close(cancel) })
	result, err := b.Apply(b.tb.Context(), executor.Run{Migrations: b.load(files), Limits: Unhurried, Cancel: cancel, Progress: func(e executor.Event) {
		if e.State == executor.EventProgress && e.Detail != "" {
			once()
		}
	}})
	if !errors.Is(err, executor.ErrCancelled) || fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "the statement was cancelled") {
		b.tb.Errorf("error %v", Explain(err))
	}
	return result, err
}

// cancelledBesideACall is cancelled right before or right behind a statement that
// nobody could ask about later: what is certain then is not asked.
func cancelledBesideACall(t *testing.T, b *Bench) {
	b.makeTorn()
	b.Exec(b.engine.SQL.Mended)
	files := map[string]string{"1_x.sql": "-- shipsql: transaction=off\ncall torn()"}
	cancelAt := func(state executor.EventState) error {
		cancel := make(chan struct{})
		_, err := b.Apply(t.Context(), executor.Run{Migrations: b.load(files), Limits: Quick, Cancel: cancel, Progress: func(e executor.Event) {
			if e.State == state {
				close(cancel)
				<-time.After(50 * time.Millisecond) // the run hears of it meanwhile
			}
		}})
		return err
	}
	if err := cancelAt(executor.EventRunning); !errors.Is(err, executor.ErrCancelled) {
		t.Errorf("error %v", Explain(err))
	}
	b.Want("select count(*) from a", "0")
	b.WantStates(files, "1 pending 0/1")
	if err := cancelAt(executor.EventDone); err != nil && !errors.Is(err, executor.ErrCancelled) {
		t.Errorf("error %v", Explain(err))
	}
	b.Want("select count(*) from a", "1")
	b.WantStates(files, "1 applied 1/1")
}

func cancelledUpdate(t *testing.T, b *Bench) {
	b.Exec("create table a(id int primary key, n int)", "insert into a values (1, 0), (2, 0)")
	writer := b.Session("begin", "update a set n = 7 where id = 2")
	files := map[string]string{"1_x.sql": "create table x(n int)", "2_y.sql": "update a set n = n + 1 where id = 1;\nupdate a set n = n + 1", "3_z.sql": "create table z(n int)"}
	result, err := b.cancelled(files)
	wantOutcomes(t, result, "1 applied")
	if failure := wantFailure(t, err, 2); failure.Version != "2" || failure.Line != 2 {
		t.Errorf("failure %+v", failure)
	}
	b.WantStates(files, "1 applied 1/1\n2 pending 0/2\n3 pending 0/1")
	b.On(writer, "rollback")
	b.Want("select n from a order by id", "0\n0")
	b.MustApply(files)
	b.Want("select n from a order by id", "2\n1")
}

func cancelledWaitForATable(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (1)")
	holder := b.Session("begin", "select n from a")
	files := map[string]string{"1_x.sql": "insert into a values (2);\nalter table a add column m int"}
	_, err := b.cancelled(files)
	_ = wantFailure(t, err, 2)
	b.On(holder, "commit")
	b.MustApply(files)
	b.Want("select n, m from a order by n", "1|NULL\n2|NULL")
}

func cancelledWaitForTheLock(t *testing.T, b *Bench) {
	letGo := b.holding("01TASK")
	cancel := make(chan struct{})
	_, err := b.Apply(t.Context(), executor.Run{
		Migrations: b.load(map[string]string{"2_y.sql": "create table y(n int)"}), Cancel: cancel,
		Progress: func(e executor.Event) {
			if e.State == executor.EventWaiting {
				close(cancel)
			}
		},
	})
	letGo()
	if !errors.Is(err, executor.ErrCancelled) {
		t.Errorf("error %v", err)
	}
	b.WantTable("y", false)
}

func cancelledBetweenFiles(t *testing.T, b *Bench) {
	cancel := make(chan struct{})
	files := map[string]string{"1_x.sql": "create table x(n int)", "2_y.sql": "create table y(n int)"}
	result, err := b.Apply(t.Context(), executor.Run{Migrations: b.load(files), Cancel: cancel, Progress: func(e executor.Event) {
		if e.State == executor.EventApplied && e.Version == "1" {
			close(cancel)
		}
	}})
	if wantOutcomes(t, result, "1 applied"); !errors.Is(err, executor.ErrCancelled) {
		t.Errorf("error %v", err)
	}
	b.WantStates(files, "1 applied 1/1\n2 pending 0/1")
}

// Another session that waits for the same row goes on waiting when the run is
// cancelled.
func othersGoOn(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (1)")
	writer, other := b.Session("begin", "update a set n = n"), b.Session()
	ended := make(chan error, 1)
	go func() {
		_, err := other.ExecContext(t.Context(), "update a set n = n + 100")
		ended <- err
	}()
	_, _ = b.cancelled(map[string]string{"1_x.sql": "update a set n = n + 1"})
	select {
	case err := <-ended:
		t.Fatalf("another's statement ended: %v", err)
	default:
	}
	b.On(writer, "rollback")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.Want("select n from a", "101")
}

func waitSaysForWhom(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (1)")
	writer := b.Session("begin", "update a set n = 2")
	var seen executor.Event
	b.mustRun(executor.Run{
		Migrations: b.load(map[string]string{"1_x.sql": "create table x(n int);\nupdate a set n = n + 1"}), Limits: Unhurried,
		Progress: func(e executor.Event) {
			if e.State == executor.EventProgress && e.Detail != "" && seen.Detail == "" {
				seen = e
				b.On(writer, "commit")
			}
		},
	})
	if seen.Statement != 2 || seen.Total != 2 || seen.Version != "1" || seen.Path != "1_x.sql" || seen.Of != 0 {
		t.Errorf("event %+v", seen)
	}
	if !strings.HasPrefix(seen.Detail, "waits for a lock of ") || !strings.Contains(seen.Detail, "in transaction since 20") && !strings.Contains(seen.Detail, "in a transaction since 20") {
		t.Errorf("detail %q", seen.Detail)
	}
	b.Want("select n from a", "3")
}
