package github

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers"
)

// The wait when the forge names none, and the longest we believe.
const (
	defaultWait = time.Minute
	longestWait = time.Hour
)

// pace keeps an installation within what the forge grants. Writes wait for the
// budget (GitHub asks for a second between them). A rate limit closes the gate:
// until its time is over, calls fail at once without reaching the forge, for
// which going on could get the App banned.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
//
// Somebody who typed a command watches for the answer, so other writes leave the
// last of the budget to reactions and new comments.
type pace struct {
	next   http.RoundTripper
	writes *rate.Limiter
	line   chan struct{} // holds one element while the first of the other writes waits
	clock  clock.Clock

	mu    sync.Mutex
	until time.Time // the gate is closed before
}

func newPace(o Options, next http.RoundTripper) *pace {
	return &pace{
		next: next, writes: rate.NewLimiter(o.WriteRate, o.WriteBurst),
		line: make(chan struct{}, 1), clock: o.Clock,
	}
}

// RoundTrip sends the request when it may be sent.
func (p *pace) RoundTrip(req *http.Request) (*http.Response, error) {
	if wait := p.closedFor(); wait > 0 {
		return nil, refuse(req, providers.ErrRateLimited{RetryAfter: wait})
	}
	if err := p.await(req); err != nil {
		return nil, refuse(req, err)
	}
	resp, err := p.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	wait, limited := limit(resp, p.clock.Now())
	if !limited {
		return resp, nil
	}
	_ = resp.Body.Close()
	p.closeFor(wait)
	return nil, providers.ErrRateLimited{RetryAfter: wait}
}

// await takes a write from the budget. A caller without the time for it is told
// so at once.
func (p *pace) await(req *http.Request) error {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return nil
	}
	ctx := req.Context()
	if !isAnswer(req) {
		select {
		case p.line <- struct{}{}:
			defer func() { <-p.line }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.awaitSpare(ctx); err != nil {
			return err
		}
	}
	err := p.writes.Wait(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, providers.ErrRateLimited{RetryAfter: time.Second})
}

// forAnswers is how many writes of the budget are kept for answers: a command
// gets a reaction and a reply.
const forAnswers = 2

// awaitSpare waits until the budget holds more than what is kept for answers.
func (p *pace) awaitSpare(ctx context.Context) error {
	needed := float64(min(1+forAnswers, p.writes.Burst()))
	for {
		missing := needed - p.writes.Tokens()
		if missing <= 0 || p.writes.Limit() == rate.Inf {
			return nil
		}
		wait := time.Duration(missing / float64(p.writes.Limit()) * float64(time.Second))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return providers.ErrRateLimited{RetryAfter: time.Second}
		}
		timer := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// isAnswer says that the write makes a reaction or a comment.
func isAnswer(req *http.Request) bool {
	return req.Method == http.MethodPost &&
		(strings.HasSuffix(req.URL.Path, "/reactions") || strings.HasSuffix(req.URL.Path, "/comments"))
}

func (p *pace) closedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.Sub(p.clock.Now())
}

func (p *pace) closeFor(wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(wait); until.After(p.until) {
		p.until = until
	}
}

// limit says if an answer is a primary or secondary rate limit, and how long it
// asks to wait: Retry-After, else the reset of a used-up limit, else a minute.
func limit(resp *http.Response, now time.Time) (time.Duration, bool) {
	h := resp.Header
	usedUp := h.Get("X-RateLimit-Remaining") == "0"
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if h.Get("Retry-After") == "" && !usedUp && !saysLimit(resp) {
			return 0, false
		}
	default:
		return 0, false
	}
	wait := defaultWait
	if seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		wait = at.Sub(now)
	} else if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && usedUp {
		wait = time.Unix(reset, 0).Sub(now)
	}
	return min(max(wait, time.Second), longestWait), true
}

// saysLimit looks into a 403's text, which stays readable: a secondary limit
// may come without any header.
func saysLimit(resp *http.Response) bool {
	start, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // what can't be read says nothing
	resp.Body = rest{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	text := strings.ToLower(string(start))
	return strings.Contains(text, "rate limit") || strings.Contains(text, "rate-limit") || strings.Contains(text, "abuse detection")
}
