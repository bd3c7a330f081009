package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

func TestStatusesBecomeTypedErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		is     error
		code   fault.Code
	}{
		{http.StatusUnauthorized, providers.ErrUnauthorized, fault.Denied},
		{http.StatusForbidden, providers.ErrUnauthorized, fault.Denied},
		{http.StatusNotFound, providers.ErrNotFound, fault.NotFound},
		{http.StatusGone, providers.ErrNotFound, fault.NotFound},
		{http.StatusUnavailableForLegalReasons, providers.ErrNotFound, fault.NotFound},
		{http.StatusConflict, nil, fault.Conflict},
		{http.StatusUnprocessableEntity, providers.ErrUnprocessable, fault.Invalid},
		{http.StatusRequestTimeout, nil, fault.Unreachable},
		{http.StatusInternalServerError, nil, fault.Unreachable},
		{http.StatusBadGateway, nil, fault.Unreachable},
		{http.StatusServiceUnavailable, nil, fault.Unreachable},
		{http.StatusGatewayTimeout, nil, fault.Unreachable},
		{http.StatusTeapot, nil, fault.Internal},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			const body = `{"message":"said by ghs_0123456789abcdefghij","errors":[{"resource":"PullRequest","field":"line","code":"invalid"}]}`
			p := newFake(t, always(c.status, body)).provider(t)
			_, err := p.PullRequest(t.Context(), orders, 1)
			if fault.CodeOf(err) != c.code || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("error %v (%s), want %v (%s)", err, fault.CodeOf(err), c.is, c.code)
			}
			for _, part := range []string{"ghe", "GET", "/repos/acme/orders/pulls/1", "said by [redacted]", "PullRequest line invalid"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestErrorsThatAreTextsOnly(t *testing.T) {
	p := newFake(t, always(http.StatusUnprocessableEntity, `{"message":"Unprocessable Entity","errors":["Line could not be resolved"]}`)).provider(t)
	_, err := p.PullRequest(t.Context(), orders, 1)
	if !errors.Is(err, providers.ErrUnprocessable) || !strings.Contains(err.Error(), "Line could not be resolved") {
		t.Errorf("%v", err)
	}
}

func TestAnErrorThatIsNoJSON(t *testing.T) {
	p := newFake(t, always(http.StatusBadGateway, `<html>upstream</html>`)).provider(t)
	if _, err := p.PullRequest(t.Context(), orders, 1); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("502: %v", err)
	}
	p = newFake(t, always(http.StatusOK, `<html>a proxy's login page</html>`)).provider(t)
	if _, err := p.PullRequest(t.Context(), orders, 1); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("200 with a page: %v", err)
	}
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "token token-11-1" {
			answer(w, http.StatusUnauthorized, `{"message":"Bad credentials"}`)
			return
		}
		answer(w, http.StatusCreated, `{"id":5}`)
	})
	p := f.provider(t)
	id, err := p.AddComment(t.Context(), orders, 1, note("hello")) // a write: its body is sent again
	if err != nil || id != 5 {
		t.Fatalf("AddComment: %d, %v", id, err)
	}
	if _, err := p.Comment(t.Context(), orders, 5); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if f.tokens != 2 || len(f.calls()) != 3 {
		t.Errorf("%d tokens, calls %v; want 2 tokens and 3 calls", f.tokens, f.calls())
	}
}

func TestATokenThatIsNeverTakenEndsInAnError(t *testing.T) {
	f := newFake(t, always(http.StatusUnauthorized, `{"message":"Bad credentials"}`))
	_, err := f.provider(t).PullRequest(t.Context(), orders, 1)
	if !errors.Is(err, providers.ErrUnauthorized) {
		t.Errorf("%v, want ErrUnauthorized", err)
	}
	if n := len(f.calls()); n > 4 {
		t.Errorf("%d calls", n)
	}
}

func TestUninstalledAndInstalledAgain(t *testing.T) {
	f := newFake(t, http.NotFound)
	f.mux.HandleFunc("GET /api/v3/repos/acme/orders/pulls/1", func(w http.ResponseWriter, r *http.Request) {
		if !f.valid(r) {
			answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
			return
		}
		answer(w, http.StatusOK, `{"number":1}`)
	})
	p := f.provider(t)
	read := func() error {
		_, err := p.PullRequest(t.Context(), orders, 1)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	f.install(0)
	if err := read(); !errors.Is(err, providers.ErrGone) || fault.CodeOf(err) != fault.NotFound {
		t.Errorf("after uninstall: %v, want ErrGone", err)
	}
	f.install(12)
	if err := read(); err != nil {
		t.Errorf("installed again: %v", err)
	}
	f.suspend()
	f.install(13)
	if err := read(); !errors.Is(err, providers.ErrGone) {
		t.Errorf("suspended: %v, want ErrGone", err)
	}
}

func TestAStaleHintOfTheInstallationIsCorrected(t *testing.T) {
	p := newFake(t, always(http.StatusOK, `{"number":1}`)).provider(t)
	repo := orders
	repo.Installation = 999 // from an old delivery
	if pr, err := p.PullRequest(t.Context(), repo, 1); err != nil || pr.Number != 1 {
		t.Errorf("PullRequest: %+v, %v", pr, err)
	}
}

func TestRateLimitsAreReturnedAndKept(t *testing.T) {
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		want    time.Duration
	}{
		"secondary, with a time":          {403, map[string]string{"Retry-After": "30"}, `{}`, 30 * time.Second},
		"secondary, by its documentation": {403, nil, `{"message":"Wait.","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"}`, time.Minute},
		"secondary, by its text":          {403, nil, `{"message":"You have exceeded a secondary rate limit."}`, time.Minute},
		"primary":                         {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(start.Add(10 * time.Minute).Unix())}, `{}`, 10 * time.Minute},
		"too many requests":               {429, map[string]string{"Retry-After": "7"}, `{}`, 7 * time.Second},
		"too many, a date":                {429, map[string]string{"Retry-After": start.Add(9 * time.Second).Format(http.TimeFormat)}, `{}`, 9 * time.Second},
		"too many, without a time":        {429, nil, ``, time.Minute},
		"a time in the past":              {429, map[string]string{"Retry-After": "-5"}, ``, time.Second},
		"a time beyond all reason":        {429, map[string]string{"Retry-After": "2000000000"}, ``, time.Hour},
		"a time that is no number":        {429, map[string]string{"Retry-After": "soon"}, ``, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var limited atomic.Bool
			limited.Store(true)
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				if !limited.Load() {
					answer(w, http.StatusOK, `{"number":1}`)
					return
				}
				for key, value := range c.headers {
					w.Header().Set(key, value)
				}
				answer(w, c.status, c.body)
			})
			now := clock.NewFake(start)
			p := f.provider(t, func(o *github.Options) { o.Clock = now })
			for range 2 { // the second doesn't reach the forge
				_, err := p.PullRequest(t.Context(), orders, 1)
				var got providers.ErrRateLimited
				if !errors.As(err, &got) || got.RetryAfter != c.want || fault.CodeOf(err) != fault.Unreachable {
					t.Fatalf("%v, want to wait %s", err, c.want)
				}
			}
			if n := len(f.calls()); n != 1 {
				t.Errorf("%d calls while limited, want 1", n)
			}
			limited.Store(false)
			now.Advance(c.want)
			if _, err := p.PullRequest(t.Context(), orders, 1); err != nil {
				t.Errorf("after the time: %v", err)
			}
		})
	}
}

func TestAUsedUpLimitOfAGoodAnswerIsARateLimitToo(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(10*time.Minute).Unix()))
		answer(w, http.StatusOK, `{"number":1}`)
	})
	p := f.provider(t)
	if _, err := p.PullRequest(t.Context(), orders, 1); err != nil {
		t.Fatal(err)
	}
	_, err := p.PullRequest(t.Context(), orders, 2)
	var got providers.ErrRateLimited
	if !errors.As(err, &got) || got.RetryAfter < 9*time.Minute {
		t.Errorf("%v, want a rate limit of ten minutes", err)
	}
}

func TestTheWriteBudget(t *testing.T) {
	f := newFake(t, always(http.StatusCreated, `{"id":5}`))
	p := f.provider(t, func(o *github.Options) { o.WriteRate, o.WriteBurst = 0.001, 2 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		if _, err := p.AddComment(ctx, orders, 1, note("x")); err != nil {
			t.Fatal(err)
		}
	}
	// The third would have to wait for longer than its caller has time.
	_, err := p.AddComment(ctx, orders, 1, note("x"))
	if _, ok := errors.AsType[providers.ErrRateLimited](err); !ok {
		t.Errorf("%v, want ErrRateLimited", err)
	}
	if _, err := p.Comment(ctx, orders, 5); err != nil {
		t.Errorf("a read is not in the budget: %v", err)
	}
	if n := len(f.calls()); n != 3 {
		t.Errorf("%d calls, want 3: %v", n, f.calls())
	}
}

func TestASlowBodyTimesOut(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, `{"number":`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	p := f.provider(t, func(o *github.Options) { o.Timeout = 50 * time.Millisecond })
	if _, err := p.PullRequest(t.Context(), orders, 1); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("%v, want unreachable", err)
	}
}

func TestACallerWhoGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := f.provider(t).PullRequest(ctx, orders, 1)
	if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("%v, want an unreachable error that is context.Canceled", err)
	}
}

func TestACutConnection(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := f.provider(t).PullRequest(t.Context(), orders, 1); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("%v, want unreachable", err)
	}
}

func TestAnAnswerWithoutEndIsRefused(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"title":"`)
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 100 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := f.provider(t).PullRequest(t.Context(), orders, 1); !errors.Is(err, providers.ErrTooMany) {
		t.Errorf("%v, want ErrTooMany", err)
	}
}

func TestRedirects(t *testing.T) {
	var leaked atomic.Bool
	elsewhere := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		answer(w, http.StatusOK, `{"number":9}`)
	})
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "orders/pulls/1"): // renamed
			http.Redirect(w, r, "/api/v3/repositories/3/pulls/1", http.StatusMovedPermanently)
		case r.URL.Path == "/api/v3/repositories/3/pulls/1":
			answer(w, http.StatusOK, `{"number":1}`)
		case strings.HasSuffix(r.URL.Path, "orders/issues/1/comments"):
			http.Redirect(w, r, "/api/v3/repositories/3/issues/1/comments", http.StatusTemporaryRedirect)
		case r.URL.Path == "/api/v3/repositories/3/issues/1/comments" && r.Method == http.MethodPost:
			answer(w, http.StatusCreated, `{"id":5}`)
		case strings.HasSuffix(r.URL.Path, "orders/issues/2/comments"): // Go would make a GET of it
			http.Redirect(w, r, "/api/v3/repositories/3/issues/1/comments", http.StatusMovedPermanently)
		case strings.HasSuffix(r.URL.Path, "orders/pulls/2"):
			http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
		case strings.HasSuffix(r.URL.Path, "orders/pulls/3"):
			http.Redirect(w, r, elsewhere.URL+"/api/v3/repos/a/orders/pulls/3", http.StatusMovedPermanently)
		default:
			answer(w, http.StatusNotFound, `{}`)
		}
	})
	p := f.provider(t)
	if pr, err := p.PullRequest(t.Context(), orders, 1); err != nil || pr.Number != 1 {
		t.Errorf("a renamed repository: %+v, %v", pr, err)
	}
	if id, err := p.AddComment(t.Context(), orders, 1, note("x")); err != nil || id != 5 {
		t.Errorf("a write to a renamed repository: %d, %v", id, err)
	}
	if _, err := p.AddComment(t.Context(), orders, 2, note("x")); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("a write redirected by a 301: %v, want unsupported", err)
	}
	if _, err := p.PullRequest(t.Context(), orders, 2); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("a circle: %v, want unreachable", err)
	}
	if _, err := p.PullRequest(t.Context(), orders, 3); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("to another host: %v, want unsupported", err)
	}
	if leaked.Load() {
		t.Error("our credentials went to another host")
	}
}

// A write that a 301 would make a read of is made again under the name that the
// repository's number leads to.
func TestARedirectedWriteFindsTheNameByTheNumber(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v3/") {
		case "POST repos/acme/orders/issues/1/comments":
			http.Redirect(w, r, "/api/v3/repositories/3/issues/1/comments", http.StatusMovedPermanently)
		case "GET repositories/3/installation":
			answer(w, http.StatusOK, `{"id":11}`)
		case "GET repositories/3":
			answer(w, http.StatusOK, `{"id":3,"name":"sales","owner":{"login":"umbrella"}}`)
		case "POST repos/umbrella/sales/issues/1/comments":
			answer(w, http.StatusCreated, `{"id":5}`)
		default:
			answer(w, http.StatusNotFound, `{}`)
		}
	})
	known := orders
	known.ID = 3
	if id, err := f.provider(t).AddComment(t.Context(), known, 1, note("x")); err != nil || id != 5 {
		t.Errorf("comment %d, %v; calls %v", id, err, f.calls())
	}
}

func TestWithoutAToken(t *testing.T) {
	f := newFake(t, always(http.StatusOK, `{}`))
	var status atomic.Int64
	f.mux.HandleFunc("POST /api/v3/app/installations/77/access_tokens", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, int(status.Load()), `{"message":"no"}`)
	})
	f.install(77)
	for code, want := range map[int]fault.Code{502: fault.Unreachable, 429: fault.Unreachable, 401: fault.Denied, 403: fault.Denied} {
		status.Store(int64(code))
		if _, err := f.provider(t).PullRequest(t.Context(), orders, 1); fault.CodeOf(err) != want {
			t.Errorf("token refused with %d: %v (%s), want %s", code, err, fault.CodeOf(err), want)
		}
	}
}
