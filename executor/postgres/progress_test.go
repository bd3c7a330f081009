package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
)

// named opens a session of another program.
func (b *bench) named(name string) *pgx.Conn {
	b.t.Helper()
	conn := connect(b.t, b.URL)
	b.on(conn, "set application_name = '"+name+"'")
	return conn
}

func (b *bench) on(conn *pgx.Conn, sql string) {
	b.t.Helper()
	if _, err := conn.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// followed applies a folder and hands over the progress of its long statements.
func (b *bench) followed(target executor.Target, files map[string]string, progress func(executor.Event)) error {
	b.t.Helper()
	_, err := target.Apply(b.t.Context(), executor.Run{Migrations: load(b.t, files), Limits: unhurried, Progress: func(e executor.Event) {
		if e.State == executor.EventProgress {
			progress(e)
		}
	}})
	return err
}

func TestAStatementThatWaitsSaysForWhom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)")
	reader := b.named("Ann''s report")
	b.on(reader, "begin; select from a")
	var seen executor.Event
	err := b.followed(b, map[string]string{"1_x.sql": "create table x();\nalter table a add column m int"}, func(e executor.Event) {
		if seen.Detail == "" && e.Detail != "" {
			seen = e
			b.on(reader, "commit")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Statement != 2 || seen.Total != 2 || seen.Version != "1" || seen.Path != "1_x.sql" || seen.Of != 0 {
		t.Errorf("event %+v", seen)
	}
	for _, want := range []string{"waits for a lock of 'Ann’s report' (pid ", ", idle in transaction since 20"} {
		if !strings.Contains(seen.Detail, want) {
			t.Errorf("%q lacks %q", seen.Detail, want)
		}
	}
}

func TestAnIndexThatIsBuiltSaysHowFar(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int); insert into a select generate_series(1, 1000)")
	reader := b.named("")
	b.on(reader, "begin isolation level repeatable read; select from a")
	// The expression waits for the test in the middle of the scan.
	b.Exec("create function slow(n int) returns int language plpgsql immutable as 'begin if n = 1 then perform pg_advisory_lock_shared(7); end if; return n; end'")
	b.Exec("select pg_advisory_lock(7)")
	var seen []string
	err := b.followed(b, map[string]string{"1_x.sql": "create index concurrently a_n on a(slow(n))"}, func(e executor.Event) {
		if slices.Contains(seen, e.Phase) || e.Phase == "waiting for old snapshots" && !strings.Contains(e.Detail, "an unnamed session") {
			return // PostgreSQL may wait for a snapshot of autovacuum too
		}
		switch e.Phase { // a slow machine shows others, too
		case "building index: scanning table":
			if e.Of == 0 || e.Unit != "blocks" || !strings.Contains(e.Detail, "waits for a lock of") {
				t.Errorf("event %+v", e)
			}
			b.Exec("select pg_advisory_unlock(7)")
			seen = append(seen, e.Phase)
		case "waiting for old snapshots":
			if e.Done >= e.Of || e.Unit != "sessions" {
				t.Errorf("event %+v", e)
			}
			b.on(reader, "commit")
			seen = append(seen, e.Phase)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"building index: scanning table", "waiting for old snapshots"}; !slices.Equal(seen, want) {
		t.Errorf("phases %q, want %q", seen, want)
	}
}

// What the poller may not do, or see, is no reason for the run to fail.
func TestWithoutAPollerTheRunGoesOn(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]string{
		"no second connection": "alter role NAME connection limit 1",
		"no right to see":      "revoke execute on function pg_blocking_pids(int) from public",
		"no view of progress":  "revoke select on pg_stat_progress_create_index from public",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			name, limited := b.Login()
			b.Exec("grant create on database " + b.Query("select current_database()") + " to " + name)
			b.Exec("create table a(n int); alter table a owner to " + name + "; " + strings.ReplaceAll(forbid, "NAME", name))
			b.Exec("begin; lock table a")
			events := 0
			err := b.followed(openTarget(limited), map[string]string{"1_x.sql": "alter table a add column m int"}, func(e executor.Event) {
				if events++; e.Phase != "" || e.Detail != "" {
					t.Errorf("event %+v", e)
				}
				b.Exec("commit")
			})
			if err != nil || events == 0 {
				t.Errorf("%v after %d events", err, events)
			}
			b.await("not exists (select from pg_stat_activity where application_name like 'shipsql/watch%' and datname = current_database())")
		})
	}
}
