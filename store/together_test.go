package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/store"
)

// hall is a store whose turn somebody has, until open is called.
type hall struct {
	*store.DB

	t    *testing.T
	open func()
	all  sync.WaitGroup
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{DB: withNumbers(t), t: t}
	inside, opened := make(chan struct{}), make(chan struct{})
	h.open = sync.OnceFunc(func() { close(opened) })
	t.Cleanup(h.open)
	h.all.Go(func() {
		err := h.TxTogether(t.Context(), func(*store.Tx) error { close(inside); <-opened; return nil })
		if err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	<-inside
	return h
}

// wait lets one more wait, and returns once it does.
func (h *hall) wait(ctx context.Context, fn func(*store.Tx) error, over func(error)) {
	h.t.Helper()
	before := h.WaitTogether()
	h.all.Go(func() { over(h.TxTogether(ctx, fn)) })
	for deadline := time.Now().Add(time.Minute); h.WaitTogether() == before; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("it does not wait")
		}
	}
}

func insertNumber(ctx context.Context, tx *store.Tx, n int) error {
	_, err := tx.Exec(ctx, "INSERT INTO t VALUES ($1)", n)
	return err
}

func TestThoseWhoWaitShareATransaction(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		h := newHall(t)
		const many = 20
		var transactions [many]any
		var hooks atomic.Int32
		for n := range many {
			h.wait(t.Context(), func(tx *store.Tx) error {
				transactions[n] = tx.Transaction()
				tx.AfterCommit(func() { hooks.Add(1) })
				return insertNumber(t.Context(), tx, n)
			}, func(err error) {
				if err != nil {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
		h.open()
		h.all.Wait()
		if all := slices.Compact(transactions[:]); len(all) != 1 {
			t.Errorf("%d transactions", len(all))
		}
		if got := numbers(t, h.DB); len(got) != many || hooks.Load() != many {
			t.Errorf("%d rows, %d hooks", len(got), hooks.Load())
		}
	})
}

// An error, a panic, a statement that fails, a caller that is gone: each takes
// only its own part with it.
func TestWhoFailsAmongThoseWhoShareFailsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		h := newHall(t)
		boom := errors.New("boom")
		gone, leave := context.WithCancel(t.Context())
		errs, hooks := make([]error, 6), make([]int, 6)
		for n, fail := range map[int]func(*store.Tx) error{
			0: nil, 2: nil, 4: nil,
			1: func(*store.Tx) error { return boom },
			3: func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), "INSERT INTO nowhere VALUES (1)"); return err },
			5: func(tx *store.Tx) error { leave(); return insertNumber(gone, tx, 50) },
		} {
			ctx := t.Context()
			if n == 5 {
				ctx = gone
			}
			h.wait(ctx, func(tx *store.Tx) error {
				tx.AfterCommit(func() { hooks[n]++ })
				if err := insertNumber(t.Context(), tx, n); err != nil || fail == nil {
					return err
				}
				return fail(tx)
			}, func(err error) { errs[n] = err })
		}
		panicked := make(chan any, 1)
		h.all.Go(func() {
			defer func() { panicked <- recover() }()
			_ = h.TxTogether(t.Context(), func(*store.Tx) error { panic("boom") })
		})
		h.open()
		h.all.Wait()
		if got := <-panicked; got != "boom" {
			t.Errorf("the panic is %v", got)
		}
		if !errors.Is(errs[1], boom) || errs[3] == nil || errs[5] == nil {
			t.Errorf("the errors are %v", errs)
		}
		rows := numbers(t, h.DB)
		for n, err := range errs {
			if (err == nil) != slices.Contains(rows, n) || (err == nil) != (hooks[n] == 1) {
				t.Errorf("%d: error %v, rows %v, %d hooks", n, err, rows, hooks[n])
			}
		}
	})
}

func TestWhoIsGoneWhileItWaitsNeverRuns(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		h := newHall(t)
		gone, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		h.wait(gone, func(*store.Tx) error { t.Error("it runs"); return nil }, func(err error) { left <- err })
		h.wait(t.Context(), func(tx *store.Tx) error { return insertNumber(t.Context(), tx, 1) }, func(err error) {
			if err != nil {
				t.Errorf("the other: %v", err)
			}
		})
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		h.open()
		h.all.Wait()
		if diff := cmp.Diff([]int{1}, numbers(t, h.DB)); diff != "" {
			t.Error(diff)
		}
	})
}

// Many at once, over and over: what is said to be committed is, once.
func TestManyTogetherLoseNothing(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := withNumbers(t)
		boom := errors.New("boom")
		var all sync.WaitGroup
		const workers, each = 12, 25
		for worker := range workers {
			all.Go(func() {
				for i := range each {
					n := worker*each + i
					err := db.TxTogether(t.Context(), func(tx *store.Tx) error {
						if err := insertNumber(t.Context(), tx, n); err != nil || n%10 != 0 {
							return err
						}
						return boom
					})
					if (err == nil) != (n%10 != 0) {
						t.Errorf("%d: %v", n, err)
					}
				}
			})
		}
		all.Wait()
		var want []int
		for n := range workers * each {
			if n%10 != 0 {
				want = append(want, n)
			}
		}
		if diff := cmp.Diff(want, numbers(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}
