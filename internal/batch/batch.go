// Package batch lets calls that come while others are being worked on share the
// next piece of work, such as a transaction: the more come, the less each costs,
// and one that comes alone waits for nobody.
//
// Where work is short and items come in a thin stream, few would meet. A line may
// therefore rest between two batches, a few times as long as it has worked: then
// its work takes a fixed part of the time at most, and more so the slower it is.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// Options bound a line's work.
type Options struct {
	Lanes int // batches under way at once; at least 1
	Most  int // items of one batch; at least 1
	Rest  int // how many times as long as a lane worked it rests before it works again
}

// A lane rests no longer than this, and not when so many wait: a batch of four
// costs each of them a quarter, and a larger one hardly less.
const (
	longestRest = 25 * time.Millisecond
	enough      = 4
)

// Line collects items of one kind of work. It is safe for concurrent use.
//
//	item        event                         next
//	waiting     a lane is free and rested     under way, with those that wait too
//	waiting     its caller is gone            withdrawn: it is never worked on
//	under way   the batch succeeds            over
//	under way   the batch of several fails    under way, alone
//	under way   what all need is unreachable  over, with that error
//	under way   it fails alone                over, with its error
type Line[I, O any] struct {
	options Options
	work    func([]I) ([]O, error)

	mu      sync.Mutex
	waiting []*call[I, O]
	lanes   int           // open ones
	crowd   chan struct{} // holds a token when enough were seen to wait
}

// call is an item that somebody waits for. Its results are set before over is
// closed.
type call[I, O any] struct {
	item   I
	result O
	err    error
	over   chan struct{}
}

func (c *call[I, O]) end(result O, err error) {
	c.result, c.err = result, err
	close(c.over)
}

// New makes a line. work handles a batch and returns one result for each item, in
// their order. Its error means that nothing was done: of several items each is
// worked on again by itself, so that none fails because of another, unless the
// error is of [fault.Unreachable] or a deadline. A panic is an error.
func New[I, O any](o Options, work func([]I) ([]O, error)) *Line[I, O] {
	return &Line[I, O]{options: o, work: work, crowd: make(chan struct{}, 1)}
}

// Do has the item worked on and returns its result. A caller that is gone while
// the item waits takes it along; later it waits for the end, which is then known.
func (l *Line[I, O]) Do(ctx context.Context, item I) (result O, err error) {
	c := &call[I, O]{item: item, over: make(chan struct{})}
	if l.add(c) {
		go l.lane()
	}
	select {
	case <-c.over:
	case <-ctx.Done():
		if l.withdraw(c) {
			return result, fmt.Errorf("wait for a turn: %w", ctx.Err())
		}
		<-c.over
	}
	return c.result, c.err
}

// add lets an item wait, and says whether somebody must open a lane.
func (l *Line[I, O]) add(c *call[I, O]) (open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, c)
	if len(l.waiting) >= enough {
		select {
		case l.crowd <- struct{}{}:
		default:
		}
	}
	if open = l.lanes < l.options.Lanes; open {
		l.lanes++
	}
	return open
}

// next takes those who wait; when nobody does, the lane is closed.
func (l *Line[I, O]) next() []*call[I, O] {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), l.options.Most)
	if n == 0 {
		l.lanes--
		return nil
	}
	taken := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return taken
}

// withdraw says whether an item that is given up was still waiting.
func (l *Line[I, O]) withdraw(c *call[I, O]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, c)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	return i >= 0
}

// lane works on batches until nobody waits. Who comes first lets those come along
// that could go on at the same moment, because one batch answered them all.
func (l *Line[I, O]) lane() {
	runtime.Gosched()
	for calls := l.next(); calls != nil; calls = l.next() {
		began := time.Now()
		l.handle(calls)
		l.rest(min(time.Duration(l.options.Rest)*time.Since(began), longestRest))
	}
}

// rest lets more come.
func (l *Line[I, O]) rest(most time.Duration) {
	if most == 0 || l.crowded() {
		return
	}
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case <-over.C:
	case <-l.crowd:
	}
}

// crowded says whether enough wait now. Those that were enough before are
// forgotten.
func (l *Line[I, O]) crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.crowd:
	default:
	}
	return len(l.waiting) >= enough
}

// handle works on calls together, and on each by itself if that fails. Each is
// answered as soon as its result is known.
func (l *Line[I, O]) handle(calls []*call[I, O]) {
	items := make([]I, len(calls))
	for i, c := range calls {
		items[i] = c.item
	}
	results, err := l.attempt(items)
	switch {
	case err == nil:
		for i, c := range calls {
			c.end(results[i], nil)
		}
	case len(calls) == 1, befallsAll(err):
		for _, c := range calls {
			c.end(c.result, err)
		}
	default:
		for i := range calls {
			l.handle(calls[i : i+1])
		}
	}
}

// befallsAll says that what all items need is away, so that each by itself would
// only wait as long again.
func befallsAll(err error) bool {
	return fault.CodeOf(err) == fault.Unreachable || errors.Is(err, context.DeadlineExceeded)
}

func (l *Line[I, O]) attempt(items []I) (results []O, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	results, err = l.work(items)
	if err == nil && len(results) != len(items) {
		err = fmt.Errorf("%d results for %d items", len(results), len(items))
	}
	return results, err
}
