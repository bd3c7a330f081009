package handlers_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/handlers"
	"github.com/shipsql/shipsql/internal/fault"
)

// releases holds one rollout that the test may replace.
type releases struct {
	mu      sync.Mutex
	rollout deploy.Rollout
}

func (r *releases) set(rollout deploy.Rollout) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rollout = rollout
}

func (r *releases) Rollout(_ context.Context, id string) (deploy.Rollout, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id != r.rollout.Release.ID {
		return deploy.Rollout{}, fault.New(fault.NotFound, "no release %s", id)
	}
	return r.rollout, nil
}

func pages(r handlers.Releases) http.Handler {
	return handlers.New(handlers.Options{
		Releases: r,
		Ready:    func(context.Context) error { return errors.New("store at /secret/path is locked") },
		Metrics:  prometheus.NewRegistry(),
		Log:      slog.New(slog.DiscardHandler),
	})
}

func rolloutIn(state deploy.State, title string) deploy.Rollout {
	return deploy.Rollout{
		State:   state,
		Release: deploy.Release{ID: "01R", Title: title, MergeCommit: "0123456789abcdef"},
		Stages: []deploy.Stage{{Environment: "prod", State: state, Tasks: []deploy.Task{{
			Database: "orders-eu", State: state,
			Failure: &deploy.Failure{Path: "m/1_a.sql", Line: 3, Message: `relation "<b>" exists`},
		}}}},
	}
}

func TestReleasePage(t *testing.T) {
	h := pages(&releases{rollout: rolloutIn(deploy.Failed, "<script>alert(1)</script>")})
	got := get(h, "/releases/01R")
	if got.Code != http.StatusOK {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	for _, want := range []string{"orders-eu", "❌ failed", "m/1_a.sql", "line 3", "&lt;script&gt;", "relation &#34;&lt;b&gt;&#34; exists"} {
		if !strings.Contains(got.Body.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, got.Body)
		}
	}
	if cache := got.Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control %q", cache)
	}
	if csp := got.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy %q", csp)
	}
	if got := get(h, "/releases/01X"); got.Code != http.StatusNotFound {
		t.Errorf("an unknown release answers %d", got.Code)
	}
	for _, asset := range []string{"/assets/release.js", "/assets/release.css"} {
		if got := get(h, asset); got.Code != http.StatusOK {
			t.Errorf("%s answers %d", asset, got.Code)
		}
	}
}

// Of many databases the page shows those that need somebody, and counts them all.
func TestReleasePageOfManyDatabases(t *testing.T) {
	rollout := rolloutIn(deploy.Failed, "Many")
	rollout.Stages[0].Counts = map[deploy.State]int{deploy.Done: 9990, deploy.Failed: 10}
	answer := httptest.NewRecorder()
	pages(&releases{rollout: rollout}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/releases/01R", nil))
	if page := answer.Body.String(); !strings.Contains(page, "✅ 9990 done") || !strings.Contains(page, "❌ 10 failed") || !strings.Contains(page, "orders-eu") {
		t.Errorf("the page is %s", page)
	}
}

// A long statement says how far it is and who is in its way, but not by name: the
// page has no login.
func TestReleasePageOfALongStatement(t *testing.T) {
	for name, c := range map[string]struct {
		progress   deploy.Progress
		want, lack string
	}{
		"known": {deploy.Progress{Phase: "building index: scanning table", PhaseDone: 29, PhaseOf: 100, Unit: "blocks"},
			`building index: scanning table <progress value="29" max="100"></progress> 29 % (29 of 100 blocks)<br>`, "waits"},
		"share only": {deploy.Progress{Phase: "copy to tmp table", PhaseDone: 500, PhaseOf: 1000},
			`copy to tmp table <progress value="50" max="100"></progress> 50 %<br>`, "of 1000"},
		"no whole": {deploy.Progress{Phase: "copy from", PhaseDone: 4096, Unit: "bytes"}, "copy from (4096 bytes)<br>", `max="100"`},
		"waits": {deploy.Progress{Waits: "waits for a lock of '<b>ann@acme.example</b>' (pid 7, idle in transaction)"},
			"waits for a lock of &#39;…&#39; (pid 7, idle in transaction)", "ann"},
		"nothing": {deploy.Progress{}, "statement 2 of 3 progress<br><progress", "%"},
	} {
		t.Run(name, func(t *testing.T) {
			rollout := rolloutIn(deploy.Running, "Long")
			p := c.progress
			p.State, p.Path, p.Statement, p.Total, p.Of = "progress", "m/1_a.sql", 2, 3, 1
			rollout.Stages[0].Tasks[0].Progress = p
			page := get(pages(&releases{rollout: rollout}), "/releases/01R").Body.String()
			if !strings.Contains(page, c.want) || strings.Contains(page, c.lack) {
				t.Errorf("the page lacks %q or has %q:\n%s", c.want, c.lack, page)
			}
		})
	}
}

func TestReleaseEventsFollowTheRollout(t *testing.T) {
	store := &releases{rollout: rolloutIn(deploy.Running, "one")}
	server := httptest.NewServer(pages(store))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/releases/01R/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	waitForLine(t, lines, "prod: running")
	store.set(rolloutIn(deploy.Done, "one"))
	waitForLine(t, lines, "prod: done")
}

// waitForLine reads the stream until a line has the text; the test's own time
// limit ends a wait in vain.
func waitForLine(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("the stream ended before %q: %v", text, lines.Err())
}

func TestHealth(t *testing.T) {
	h := pages(&releases{})
	if got := get(h, "/healthz"); got.Code != http.StatusOK || got.Body.String() != "ok\n" {
		t.Errorf("/healthz: %d %q", got.Code, got.Body)
	}
	got := get(h, "/readyz")
	if got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "secret") {
		t.Errorf("/readyz: %d %q", got.Code, got.Body)
	}
}
