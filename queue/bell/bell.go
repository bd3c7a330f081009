// Package bell is the queue's bell inside one process. It needs nothing but
// memory, which is right for one node on SQLite; several nodes share a Redis
// through package redisbell.
package bell

import (
	"context"
	"sync"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// pending is how many rings wait for a listener. More are dropped: whoever hears
// one of these looks for all that is runnable.
const pending = 256

// Local is a bell inside this process.
type Local struct {
	rings  chan string
	closed chan struct{}
	once   sync.Once
}

var _ queue.Bell = (*Local)(nil)

// NewLocal makes a bell.
func NewLocal() *Local {
	return &Local{rings: make(chan string, pending), closed: make(chan struct{})}
}

// Ring hands the ids to listeners; it never blocks.
func (b *Local) Ring(_ context.Context, ids ...string) error {
	select {
	case <-b.closed:
		return fault.New(fault.Conflict, "the bell is closed")
	default:
	}
	for _, id := range ids {
		select {
		case b.rings <- id:
		default:
		}
	}
	return nil
}

// Listen delivers rings until ctx is done or the bell closed.
func (b *Local) Listen(ctx context.Context) (<-chan string, error) {
	heard := make(chan string)
	go func() {
		defer close(heard)
		for {
			select {
			case <-ctx.Done():
				return
			case <-b.closed:
				return
			case id := <-b.rings:
				select {
				case heard <- id:
				case <-ctx.Done():
					return
				case <-b.closed:
					return
				}
			}
		}
	}()
	return heard, nil
}

// Close ends all listeners.
func (b *Local) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
