package deploy

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// ids makes ULIDs that sort in the order of their making, also within one
// millisecond and when the clock stands or goes back. It is safe for concurrent
// use.
type ids struct {
	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
	last    uint64
}

func newIDs() *ids { return &ids{entropy: ulid.Monotonic(rand.Reader, 0)} }

func (i *ids) at(now time.Time) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last = max(i.last, ulid.Timestamp(now))
	for {
		if id, err := ulid.New(i.last, i.entropy); err == nil {
			return id.String()
		}
		i.last++ // more ids in a millisecond than its random part has room for
	}
}
