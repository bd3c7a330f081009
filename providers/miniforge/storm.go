package miniforge

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Kind is a way in which GitHub, or the wire to it, fails.
type Kind string

// The kinds. After each the same call, made again at the time it asks for,
// succeeds; the last three do what was asked before they fail.
const (
	ExpiredToken   Kind = "expired token"   // 401; a new token works
	PrimaryLimit   Kind = "primary limit"   // 403, nothing remaining until the reset
	SecondaryLimit Kind = "secondary limit" // 403 with Retry-After
	TooMany        Kind = "too many"        // 429 with Retry-After
	ServerError    Kind = "server error"    // 500
	BadGateway     Kind = "bad gateway"     // 502
	Unavailable    Kind = "unavailable"     // 503
	SlowBody       Kind = "slow body"       // the answer stalls in its middle
	CutBefore      Kind = "cut before"      // the wire is cut, nothing was done
	CutAfter       Kind = "cut after"       // it was done, the answer is lost
	CutHalfway     Kind = "cut halfway"     // it was done, half of the answer arrives
	GatewayAfter   Kind = "gateway after"   // it was done, a gateway says 502
)

// Kinds are all of them.
var Kinds = []Kind{
	ExpiredToken, PrimaryLimit, SecondaryLimit, TooMany, ServerError, BadGateway, Unavailable,
	SlowBody, CutBefore, CutAfter, CutHalfway, GatewayAfter,
}

// limitSeconds is how long the limits of a fault's kind ask to wait: as short as
// GitHub's headers can say.
const limitSeconds = "1"

// Fault is what happens to one request that fails in this way. Limits ask to
// wait for a second, of the machine's clock.
func (k Kind) Fault() Fault {
	switch k {
	case ExpiredToken:
		return Fault{Times: 1, Revoke: true}
	case PrimaryLimit:
		reset := strconv.FormatInt(time.Now().Add(time.Second).Unix(), 10)
		return Fault{Times: 1, Status: http.StatusForbidden, Headers: map[string]string{
			"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset,
		}, Body: `{"message":"API rate limit exceeded for installation ID 1.","documentation_url":"` + docs + `"}`}
	case SecondaryLimit:
		return Fault{Times: 1, Status: http.StatusForbidden, Headers: map[string]string{"Retry-After": limitSeconds},
			Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"` + docs + `"}`}
	case TooMany:
		return Fault{Times: 1, Status: http.StatusTooManyRequests, Headers: map[string]string{"Retry-After": limitSeconds}}
	case SlowBody:
		return Fault{Times: 1, Stall: 200 * time.Millisecond}
	case CutHalfway:
		return Fault{Times: 1, Halfway: true}
	}
	return Fault{Times: 1, Status: statuses[k], AfterWrite: k == CutAfter || k == GatewayAfter}
}

// statuses of the kinds that are a bare answer; 0 cuts the wire.
var statuses = map[Kind]int{
	ServerError: http.StatusInternalServerError, BadGateway: http.StatusBadGateway,
	Unavailable: http.StatusServiceUnavailable, GatewayAfter: http.StatusBadGateway,
}

// storm makes some of all API requests fail.
type storm struct {
	mu     sync.Mutex
	dice   *rand.Rand // nil: calm
	rate   float64
	kinds  []Kind
	struck map[Kind]int
}

// Storm makes API requests fail at random until Calm: rate is the share of them,
// from 0 to 1, and kinds are those to choose from, evenly; none for all. The same
// seed and order of requests gives the same faults. Faults of Fail go first.
func (f *Forge) Storm(seed uint64, rate float64, kinds ...Kind) {
	f.storm.mu.Lock()
	defer f.storm.mu.Unlock()
	if len(kinds) == 0 {
		kinds = Kinds
	}
	f.storm.dice = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // chance that can be repeated, no secret
	f.storm.rate, f.storm.kinds, f.storm.struck = rate, kinds, map[Kind]int{}
}

// Calm ends the storm and says how many requests each kind has struck.
func (f *Forge) Calm() map[Kind]int {
	f.storm.mu.Lock()
	defer f.storm.mu.Unlock()
	f.storm.dice = nil
	return f.storm.struck
}

// hit rolls the dice for one request.
func (s *storm) hit() (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dice == nil || s.dice.Float64() >= s.rate {
		return Fault{}, false
	}
	kind := s.kinds[s.dice.IntN(len(s.kinds))]
	s.struck[kind]++
	return kind.Fault(), true
}
