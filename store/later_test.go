package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// put puts numbers into t later.
func put(ctx context.Context, tx *store.Tx, numbers ...int) error {
	for _, n := range numbers {
		if err := tx.Later(ctx, "INSERT INTO t VALUES ($1)", n); err != nil {
			return err
		}
	}
	return nil
}

func held(t *testing.T, q store.Queryer) []int {
	t.Helper()
	rows, err := q.Query(t.Context(), "SELECT n FROM t ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Collect(rows, func(scan store.Scan) (n int, err error) { return n, scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatIsPutOffIsThereWhenItIsRead(t *testing.T) {
	db := storetest.Open(t, clock.System)
	mustExec(t, db, "CREATE TABLE t (n bigint PRIMARY KEY)")
	for _, transact := range []func(context.Context, func(*store.Tx) error) error{db.Tx, db.TxUnordered} {
		mustExec(t, db, "DELETE FROM t")
		err := transact(t.Context(), func(tx *store.Tx) error {
			if err := put(t.Context(), tx, 1, 2); err != nil {
				return err
			}
			if found := held(t, tx); !slices.Equal(found, []int{1, 2}) {
				t.Errorf("the transaction sees %v", found)
			}
			if err := put(t.Context(), tx, 3); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "UPDATE t SET n = 4 WHERE n = 3"); err != nil {
				return err
			}
			return put(t.Context(), tx, 5, 6)
		})
		if found := held(t, db); err != nil || !slices.Equal(found, []int{1, 2, 4, 5, 6}) {
			t.Errorf("%v is stored: %v", found, err)
		}
	}
}

// A statement that was put off and fails undoes all, whenever it is heard of; the
// store goes on.
func TestWhatIsPutOffMayFail(t *testing.T) {
	db := storetest.Open(t, clock.System)
	mustExec(t, db, "CREATE TABLE t (n bigint PRIMARY KEY)")
	ctx := t.Context()
	var none int
	for name, then := range map[string]func(*store.Tx) error{
		"at the commit":           func(*store.Tx) error { return nil },
		"before another":          func(tx *store.Tx) error { return put(ctx, tx, 8) },
		"before a statement":      func(tx *store.Tx) error { _, err := tx.Exec(ctx, "DELETE FROM t"); return err },
		"before rows":             func(tx *store.Tx) error { _, err := tx.Query(ctx, "SELECT 1"); return err },
		"before a row":            func(tx *store.Tx) error { return tx.QueryRow(ctx, "SELECT 1").Scan(&none) },
		"and the error is hidden": func(tx *store.Tx) error { _ = tx.QueryRow(ctx, "SELECT 1").Scan(&none); return nil },
	} {
		err := db.Tx(ctx, func(tx *store.Tx) error { return errors.Join(put(ctx, tx, 7, 7), then(tx)) })
		if !store.IsUnique(err) {
			t.Errorf("%s: %v", name, err)
		}
		if found := held(t, db); len(found) > 0 {
			t.Errorf("%s: %v is stored", name, found)
		}
	}
	mustExec(t, db, "INSERT INTO t VALUES (1)")
	if err := db.Tx(ctx, func(tx *store.Tx) error { return put(ctx, tx, 2) }); err != nil {
		t.Error(err)
	}
}

// A transaction that is run again has forgotten what it had put off.
func TestWhatWasPutOffIsRolledBack(t *testing.T) {
	db := storetest.Open(t, clock.System)
	mustExec(t, db, "CREATE TABLE t (n bigint PRIMARY KEY)")
	failed := errors.New("no")
	err := db.Tx(t.Context(), func(tx *store.Tx) error { return errors.Join(put(t.Context(), tx, 1), failed) })
	if found := held(t, db); !errors.Is(err, failed) || len(found) > 0 {
		t.Errorf("%v is stored: %v", found, err)
	}
}
