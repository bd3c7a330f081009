// Package belltest is the conformance suite of the queue's bells: what every
// implementation must do, told once.
package belltest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/queue"
)

// patience bounds every wait; no bell needs a tenth of it.
const patience = time.Minute

// Run tests a bell. open makes another bell on the same place as the former ones
// of the same test, as another process would have it; fresh first begins with an
// empty place. Bells that can't be shared return the same one again.
func Run(t *testing.T, fresh func(t *testing.T) (open func() queue.Bell)) {
	for name, test := range map[string]func(*testing.T, func() queue.Bell){
		"a ring is heard":                        ringIsHeard,
		"each ring goes to one listener":         eachToOne,
		"rings without listeners don't block":    nobodyListens,
		"a listener ends with its context":       endsWithContext,
		"closing ends listeners and ringing":     closing,
		"a listener that goes leaves the others": leaverLeavesOthers,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func ringIsHeard(t *testing.T, open func() queue.Bell) {
	bell := open()
	heard := listen(t.Context(), t, bell)
	for n := range 3 {
		ring(t, bell, fmt.Sprint("job", n))
		if got := next(t, heard); got != fmt.Sprint("job", n) {
			t.Errorf("heard %q", got)
		}
	}
	ring(t, bell) // no ids: nothing happens
}

func eachToOne(t *testing.T, open func() queue.Bell) {
	const rings, listeners = 100, 3
	var bells []queue.Bell
	var mu sync.Mutex
	count := map[string]int{}
	var got sync.WaitGroup
	got.Add(rings)
	for range listeners {
		bell := open()
		bells = append(bells, bell)
		heard := listen(t.Context(), t, bell)
		go func() {
			for id := range heard {
				mu.Lock()
				count[id]++
				mu.Unlock()
				got.Done() // panics at a ring heard twice
			}
		}()
	}
	for n := range rings {
		ring(t, bells[n%listeners], strconv.Itoa(n))
	}
	all := make(chan struct{})
	go func() { got.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(patience):
	}
	mu.Lock()
	defer mu.Unlock()
	for n := range rings {
		if c := count[strconv.Itoa(n)]; c != 1 {
			t.Errorf("ring %d was heard %d times", n, c)
		}
	}
}

func nobodyListens(t *testing.T, open func() queue.Bell) {
	bell := open()
	done := make(chan error, 1)
	go func() {
		for n := range 10_000 {
			if err := bell.Ring(t.Context(), strconv.Itoa(n)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	if err := next(t, done); err != nil {
		t.Errorf("Ring: %v", err)
	}
	// What was dropped, if any, is dropped; a listener hears something soon.
	next(t, listen(t.Context(), t, bell))
}

func endsWithContext(t *testing.T, open func() queue.Bell) {
	ctx, cancel := context.WithCancel(t.Context())
	heard := listen(ctx, t, open())
	cancel()
	drained(t, heard)
}

func closing(t *testing.T, open func() queue.Bell) {
	bell := open()
	heard := listen(t.Context(), t, bell)
	if err := bell.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	drained(t, heard)
	if err := bell.Ring(t.Context(), "x"); err == nil {
		t.Error("a closed bell rings")
	}
}

func leaverLeavesOthers(t *testing.T, open func() queue.Bell) {
	stays, leaves := open(), open()
	heard := listen(t.Context(), t, stays)
	ctx, cancel := context.WithCancel(t.Context())
	gone := listen(ctx, t, leaves)
	cancel()
	drained(t, gone)
	// A ring may go down with the leaver; those after it don't.
	deadline := time.After(patience)
	for {
		ring(t, stays, "again")
		select {
		case <-heard:
			return
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("nothing came")
		}
	}
}

func listen(ctx context.Context, t *testing.T, bell queue.Bell) <-chan string {
	t.Helper()
	heard, err := bell.Listen(ctx)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	return heard
}

func ring(t *testing.T, bell queue.Bell, ids ...string) {
	t.Helper()
	if err := bell.Ring(t.Context(), ids...); err != nil {
		t.Fatalf("Ring: %v", err)
	}
}

func next[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return value
}

// drained waits for the channel's end.
func drained(t *testing.T, heard <-chan string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, open := <-heard:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the listener does not end")
		}
	}
}
