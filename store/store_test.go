package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

func TestOpenRefusesWhatItCannotOpen(t *testing.T) {
	for url, want := range map[string]fault.Code{
		"postgres://u:hunter2@h/%zz":            fault.Invalid,
		"postgresql://u:hunter2@localhost:1/db": fault.Unreachable,
		"mysql://u:hunter2@h/db":                fault.Invalid,
		"sqlite:":                               fault.Invalid,
		"shipsql.db":                            fault.Invalid,
		"":                                      fault.Invalid,
		"sqlite:/does/not/exist/ship.db":        fault.Unreachable,
	} {
		_, err := store.Open(t.Context(), secret.Literal(url), clock.System)
		if fault.CodeOf(err) != want {
			t.Errorf("Open(%q): %v, want %s", url, err, want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) shows the password: %v", url, err)
		}
	}
}

func TestAnyPathIsAFile(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "q?x=1.db", "h#1.db", "p%41.db", "é.db"} {
		path := filepath.Join(t.TempDir(), name)
		db, err := store.Open(t.Context(), secret.Literal("sqlite:"+path), clock.System)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		mustExec(t, db, "CREATE TABLE t(n bigint)")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q was not made for our eyes only: %v %v", name, info, err)
		}
	}
}

func TestTxCommitsOrLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		boom := errors.New("boom")
		insert := func(n int) func(*store.Tx) error {
			return func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), "INSERT INTO t VALUES ($1)", n); return err }
		}
		if err := db.Tx(t.Context(), insert(1)); err != nil {
			t.Fatal(err)
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return errors.Join(insert(2)(tx), boom) })
		if !errors.Is(err, boom) {
			t.Errorf("Tx = %v, want boom", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.Tx(t.Context(), func(tx *store.Tx) error { _ = insert(3)(tx); panic("boom") })
		}()
		cancelled, cancel := context.WithCancel(t.Context())
		if err := db.Tx(cancelled, func(tx *store.Tx) error { err := insert(4)(tx); cancel(); return err }); err == nil {
			t.Error("a cancelled transaction was committed")
		}
		if err := db.Tx(t.Context(), insert(5)); err != nil {
			t.Errorf("the writer is not free after all this: %v", err)
		}
		if diff := cmp.Diff([]int{1, 5}, numbers(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAfterCommitRunsInOrderWithTheWriterFree(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		var ran []string
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { ran = append(ran, "a") })
			tx.AfterCommit(func() { mustExec(t, db, "INSERT INTO t VALUES (1)"); ran = append(ran, "b") })
			if len(ran) > 0 {
				t.Error("a hook ran before the commit")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "b"}, ran); diff != "" {
			t.Error(diff)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("a hook ran after a rollback") })
			return errors.New("no")
		})
		if err == nil {
			t.Error("the error is lost")
		}
	})
}

func TestWritersTakeTurns(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		mustExec(t, db, "INSERT INTO t VALUES (0)")
		const workers, each = 8, 25
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range each {
					if err := db.Tx(t.Context(), func(tx *store.Tx) error { return increment(t.Context(), tx) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if diff := cmp.Diff([]int{workers * each}, numbers(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

// increment reads and writes in two statements: lost updates would show.
func increment(ctx context.Context, tx *store.Tx) error {
	var n int
	if err := tx.QueryRow(ctx, "SELECT n FROM t").Scan(&n); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE t SET n = $1", n+1)
	return err
}

func TestAWaitingWriterHeedsItsContext(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		err := db.Tx(t.Context(), func(*store.Tx) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			nested := db.Tx(ctx, func(*store.Tx) error { return nil })
			if !errors.Is(nested, context.DeadlineExceeded) {
				t.Errorf("a nested write: %v", nested)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadersSeeTheLastCommitAndCannotWrite(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		mustExec(t, db, "INSERT INTO t VALUES (7)")
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "DELETE FROM t"); err != nil {
				return err
			}
			if diff := cmp.Diff([]int{7}, numbers(t, db)); diff != "" {
				t.Error("a reader sees what is not committed: " + diff)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, db); len(got) != 0 {
			t.Errorf("a reader misses the last commit: %v", got)
		}
		var n int
		if err := db.QueryRow(t.Context(), "INSERT INTO t VALUES (1) RETURNING n").Scan(&n); err == nil {
			t.Error("a reader wrote")
		}
	})
}

func TestIsUnique(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		mustExec(t, db, "CREATE TABLE u(id text PRIMARY KEY, k text UNIQUE, c bigint CHECK (c > 0))")
		mustExec(t, db, "INSERT INTO u VALUES ('a', 'k', 1)")
		for query, want := range map[string]bool{
			"INSERT INTO u VALUES ('a', 'other', 1)": true,
			"INSERT INTO u VALUES ('b', 'k', 1)":     true,
			"INSERT INTO u VALUES ('b', 'other', 0)": false,
			"INSERT INTO nosuch VALUES (1)":          false,
		} {
			if _, err := db.Exec(t.Context(), query); err == nil || store.IsUnique(err) != want {
				t.Errorf("IsUnique of %s (%v) is %v", query, err, !want)
			}
		}
		if store.IsUnique(nil) {
			t.Error("no error is a unique violation")
		}
	})
}

func TestTimesAreMicrosecondsInUTC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-1e15, 4e15).Draw(t, "us")
		back := store.FromMicros(us)
		if store.Micros(back) != us || back.Location() != time.UTC {
			t.Fatalf("FromMicros(%d) = %v", us, back)
		}
	})
	db := storetest.Open(t, clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.FixedZone("x", 3600))))
	if got, want := db.Now().Format(time.RFC3339Nano), "2026-01-02T02:04:05.123456Z"; got != want {
		t.Errorf("Now() = %s, want %s", got, want)
	}
}

func TestPing(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(context.Background()); err == nil {
			t.Error("a closed store answers")
		}
	})
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(*testing.T)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Setenv("SHIPSQL_TEST_STORE", kind)
			test(t)
		})
	}
}

func open(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), secret.Literal(url), clock.System)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func withNumbers(t *testing.T) *store.DB {
	t.Helper()
	db := storetest.Open(t, clock.System)
	mustExec(t, db, "CREATE TABLE t(n bigint)")
	return db
}

func numbers(t *testing.T, db *store.DB) []int {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT n FROM t ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Collect(rows, func(scan store.Scan) (n int, err error) { return n, scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mustExec(t *testing.T, db *store.DB, query string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}
