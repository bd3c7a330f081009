package batch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/internal/fault"
)

// desk is a line whose work waits for the test: each batch is told, and worked on
// when the test says so.
type desk struct {
	line    *batch.Line[int, int]
	batches chan []int
	goOn    chan struct{}
}

var (
	errOdd  = errors.New("odd")
	errAway = fault.New(fault.Unreachable, "the store is away")
)

// newDesk doubles numbers; a batch with an odd one fails, seven panics, and for
// nine what all need is away.
func newDesk(o batch.Options) *desk {
	d := &desk{batches: make(chan []int), goOn: make(chan struct{})}
	d.line = batch.New(o, func(items []int) ([]int, error) {
		d.batches <- items
		<-d.goOn
		doubled := make([]int, len(items))
		for i, n := range items {
			switch {
			case n == 7:
				panic("seven")
			case n == 9:
				return nil, fmt.Errorf("double: %w", errAway)
			case n%2 != 0:
				return nil, errOdd
			}
			doubled[i] = 2 * n
		}
		return doubled, nil
	})
	return d
}

// answer is what a caller got.
type answer struct {
	n   int
	err error
}

// ask has a number doubled, and returns once it waits or is worked on.
func (d *desk) ask(ctx context.Context, n int) <-chan answer {
	answers, before := make(chan answer, 1), d.line.Asked()
	go func() {
		doubled, err := d.line.Do(ctx, n)
		answers <- answer{doubled, err}
	}()
	for d.line.Asked() == before {
		runtime.Gosched()
	}
	return answers
}

func (d *desk) expect(t *testing.T, want ...int) {
	t.Helper()
	if got := <-d.batches; !slices.Equal(got, want) {
		t.Fatalf("batch %v, want %v", got, want)
	}
	d.goOn <- struct{}{}
}

func TestThoseWhoComeMeanwhileAreWorkedOnTogether(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 1, Most: 3})
	first := d.ask(t.Context(), 2)
	under := <-d.batches
	var others []<-chan answer
	for _, n := range []int{4, 6, 8, 10} {
		others = append(others, d.ask(t.Context(), n))
	}
	d.goOn <- struct{}{}
	d.expect(t, 4, 6, 8)
	d.expect(t, 10)
	if got := <-first; got != (answer{4, nil}) || !slices.Equal(under, []int{2}) {
		t.Errorf("the first is answered %v in %v", got, under)
	}
	for i, n := range []int{8, 12, 16, 20} {
		if got := <-others[i]; got != (answer{n, nil}) {
			t.Errorf("%v, want %d", got, n)
		}
	}
}

func TestEachLaneTakesABatch(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 2, Most: 9})
	a := d.ask(t.Context(), 2)
	<-d.batches
	b := d.ask(t.Context(), 4)
	<-d.batches
	d.goOn <- struct{}{}
	d.goOn <- struct{}{}
	if x, y := <-a, <-b; x.n != 4 || y.n != 8 {
		t.Errorf("%v, %v", x, y)
	}
}

func TestWhoFailsAmongOthersFailsAlone(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 1, Most: 9})
	first := d.ask(t.Context(), 2)
	<-d.batches
	answers := map[int]<-chan answer{}
	for _, n := range []int{4, 5, 7, 8} {
		answers[n] = d.ask(t.Context(), n)
	}
	d.goOn <- struct{}{}
	d.expect(t, 4, 5, 7, 8)
	for i, want := range []string{"", "odd", "panic: seven", ""} {
		n := []int{4, 5, 7, 8}[i]
		d.expect(t, n)
		switch got := <-answers[n]; { // before the next is tried
		case want == "" && got != (answer{2 * n, nil}):
			t.Errorf("%d: %v", n, got)
		case want != "" && (got.err == nil || !strings.HasPrefix(got.err.Error(), want)):
			t.Errorf("%d: %v", n, got)
		}
	}
	<-first
}

// What all of them need is away: nobody is tried a second time.
func TestWhatBefallsAllIsNotTriedForEach(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 1, Most: 9})
	first := d.ask(t.Context(), 2)
	<-d.batches
	others := []<-chan answer{d.ask(t.Context(), 4), d.ask(t.Context(), 9)}
	d.goOn <- struct{}{}
	d.expect(t, 4, 9)
	<-first
	for _, answers := range others {
		if got := <-answers; !errors.Is(got.err, errAway) {
			t.Errorf("%v", got)
		}
	}
}

func TestWhoIsGoneWhileItWaitsIsNotWorkedOn(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 1, Most: 9})
	first := d.ask(t.Context(), 2)
	<-d.batches
	ctx, leave := context.WithCancel(t.Context())
	gone, stays := d.ask(ctx, 4), d.ask(t.Context(), 6)
	leave()
	if got := <-gone; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%v", got)
	}
	d.goOn <- struct{}{}
	d.expect(t, 6)
	<-first
	<-stays
}

// Who leaves too late still learns what became of the item.
func TestWhoLeavesDuringTheWorkHearsOfItsEnd(t *testing.T) {
	d := newDesk(batch.Options{Lanes: 1, Most: 9})
	ctx, leave := context.WithCancel(t.Context())
	answers := d.ask(ctx, 2)
	<-d.batches
	leave()
	d.goOn <- struct{}{}
	if got := <-answers; got != (answer{4, nil}) {
		t.Errorf("%v", got)
	}
}

func TestManyAtOnceAreAllAnswered(t *testing.T) {
	line := batch.New(batch.Options{Lanes: 2, Most: 5}, func(items []int) ([]int, error) {
		if slices.ContainsFunc(items, func(n int) bool { return n%10 == 3 }) {
			return nil, errOdd
		}
		return items, nil
	})
	var all sync.WaitGroup
	for n := range 500 {
		all.Go(func() {
			got, err := line.Do(t.Context(), n)
			if (err != nil) != (n%10 == 3) || err == nil && got != n {
				t.Errorf("%d is answered %d, %v", n, got, err)
			}
		})
	}
	all.Wait()
}

// pace is a line that rests and whose work takes a while, by synctest's clock.
func pace(rest int, took time.Duration) *batch.Line[int, time.Time] {
	return batch.New(batch.Options{Lanes: 1, Most: 9, Rest: rest}, func(items []int) ([]time.Time, error) {
		time.Sleep(took)
		return slices.Repeat([]time.Time{time.Now()}, len(items)), nil
	})
}

// answered has items come after so many milliseconds each, and returns after how
// many each is answered.
func answered(t *testing.T, line *batch.Line[int, time.Time], come ...int) []int64 {
	t.Helper()
	begin, at := time.Now(), make([]int64, len(come))
	var all sync.WaitGroup
	for i, ms := range come {
		all.Go(func() {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			over, err := line.Do(t.Context(), ms)
			if err != nil {
				t.Error(err)
			}
			at[i] = over.Sub(begin).Milliseconds()
		})
	}
	all.Wait()
	for line.Asked() > 0 { // its last rest
		time.Sleep(time.Millisecond)
	}
	return at
}

// Who comes while the lane rests waits for the others that do; who comes later
// finds it rested.
func TestALaneRestsSoThatMoreCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := answered(t, pace(3, 4*time.Millisecond), 0, 5, 15, 60)
		if want := []int64{4, 20, 20, 64}; !slices.Equal(got, want) {
			t.Errorf("answered after %v ms, want %v", got, want)
		}
	})
}

func TestARestIsShortHoweverLongTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := answered(t, pace(3, time.Second), 0, 1)
		if want := []int64{1000, 2025}; !slices.Equal(got, want) {
			t.Errorf("answered after %v ms, want %v", got, want)
		}
	})
}

// Four are enough: at the end of the work, or in the middle of the rest.
func TestEnoughDoNotWaitForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := answered(t, pace(3, 4*time.Millisecond), 0, 1, 1, 2, 2, 10, 11, 12, 13)
		if want := []int64{4, 8, 8, 8, 8, 17, 17, 17, 17}; !slices.Equal(got, want) {
			t.Errorf("answered after %v ms, want %v", got, want)
		}
	})
}

func TestALaneThatNeedsNoRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := answered(t, pace(0, 4*time.Millisecond), 0, 1, 9)
		if want := []int64{4, 8, 13}; !slices.Equal(got, want) {
			t.Errorf("answered after %v ms, want %v", got, want)
		}
	})
}
