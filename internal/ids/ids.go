// Package ids makes the ids of jobs, releases and tasks: ULIDs, which sort in
// the order of their making and can't be guessed.
// https://github.com/ulid/spec
package ids

import (
	"crypto/rand"
	"math"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Source makes ids, each above all that it made before: also within one
// millisecond and when the clock stands or goes back. It is safe for concurrent
// use.
type Source struct {
	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
	last    uint64 // milliseconds of the newest id
}

// New makes a source. Ids of one millisecond lie up to 2^64 apart, so knowing one
// doesn't help to guess the next.
func New() *Source { return &Source{entropy: ulid.Monotonic(rand.Reader, math.MaxUint64)} }

// At makes an id for a moment.
func (s *Source) At(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, ulid.Timestamp(now))
	for {
		if id, err := ulid.New(s.last, s.entropy); err == nil {
			return id.String()
		}
		s.last++ // more ids in a millisecond than its random part has room for
	}
}
