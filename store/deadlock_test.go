package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/store"
)

func TestDeadlocksAreRunAgain(t *testing.T) {
	url := with(t, privateserver.Database(t), "deadlock_timeout", "20")
	db := open(t, url)
	mustExec(t, db, "CREATE TABLE t(id bigint PRIMARY KEY, n bigint); INSERT INTO t VALUES (1, 0), (2, 0)")
	var bothHaveOne sync.WaitGroup
	bothHaveOne.Add(2)
	var runs, hooks atomic.Int32
	var group sync.WaitGroup
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		var once sync.Once
		group.Go(func() {
			err := db.TxUnordered(t.Context(), func(tx *store.Tx) error {
				runs.Add(1)
				tx.AfterCommit(func() { hooks.Add(1) })
				_, first := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = $1", order[0])
				once.Do(func() { bothHaveOne.Done(); bothHaveOne.Wait() })
				_, second := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = $1", order[1])
				return errors.Join(first, second)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff([]int{2, 2}, numbers(t, db)); diff != "" || runs.Load() < 3 || hooks.Load() != 2 {
		t.Errorf("%d runs, %d hooks: %s", runs.Load(), hooks.Load(), diff)
	}
}

// A single statement that locks several rows may meet a transaction that locks
// them in another order.
func TestAStatementInADeadlockIsRunAgain(t *testing.T) {
	const double = "UPDATE t SET n = 2 * n WHERE id > 0"
	for name, run := range map[string]func(*store.DB) error{
		"Exec": func(db *store.DB) error { _, err := db.Exec(t.Context(), double); return err },
		"Returning": func(db *store.DB) error {
			rows, err := store.Returning(t.Context(), db, func(scan store.Scan) (n int, err error) { return n, scan(&n) }, double+" RETURNING n")
			if err == nil && len(rows) != 2 {
				t.Errorf("it returns %v", rows)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := privateserver.Database(t)
			other, db := open(t, url), open(t, with(t, url, "deadlock_timeout", "20")) // its statement is the one to go
			mustExec(t, other, "CREATE TABLE t(id bigint, n bigint); INSERT INTO t VALUES (1, 1), (2, 1)")
			ended := make(chan error, 1)
			err := other.TxUnordered(t.Context(), func(tx *store.Tx) error {
				_, second := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = 2")
				go func() { ended <- run(db) }()
				for waits := false; !waits; { // it has the first row, and wants the second
					if err := other.QueryRow(t.Context(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE%'").Scan(&waits); err != nil {
						return err
					}
				}
				_, first := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = 1")
				return errors.Join(second, first)
			})
			if err := errors.Join(err, <-ended); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]int{4, 4}, numbers(t, db)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
