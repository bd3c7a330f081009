package handlers_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/handlers"
	"github.com/shipsql/shipsql/providers"
)

// logLines collects what is logged, at any level.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// take returns what was logged since the last call.
func (l *logLines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// panicking is a place for releases that breaks.
type panicking struct{}

func (panicking) Rollout(context.Context, string) (deploy.Rollout, error) { panic("secret detail") }

func TestRequestsAreLogged(t *testing.T) {
	log := &logLines{}
	o := liveOptions(&releases{rollout: rolloutIn(deploy.Done, "one")}, log)
	o.Providers, o.Inbox = map[string]providers.Provider{"forge.example": forge{}}, &inbox{}
	h := handlers.New(o)
	post(h, "/webhooks/forge.example", "good", strings.NewReader("{}"))
	wantLine(t, log.take(), "level=INFO", "route=/webhooks/:name", "status=202", "delivery=guid-1", "outcome=accepted")
	post(h, "/webhooks/forge.example", "bad", strings.NewReader("{}"))
	wantLine(t, log.take(), "level=INFO", "status=401")
	get(h, "/releases/01R")
	line := log.take()
	wantLine(t, line, "level=DEBUG", "route=/releases/:id", "status=200")
	if strings.Contains(line, "01R") {
		t.Errorf("the log tells a page's address: %s", line)
	}
	get(h, "/no/such/page")
	wantLine(t, log.take(), "status=404")
}

func TestAPanicIsA500AndALogLine(t *testing.T) {
	log := &logLines{}
	h := handlers.New(handlers.Options{Releases: panicking{}, Metrics: prometheus.NewRegistry(), Log: log.logger()})
	got := get(h, "/releases/01R")
	if got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "secret detail") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	wantLine(t, log.take(), "level=ERROR", "secret detail", "status=500")
}

func TestHomeSaysNothingOfReleases(t *testing.T) {
	got := get(pages(&releases{rollout: rolloutIn(deploy.Done, "a private title")}), "/")
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "ShipSQL") || strings.Contains(got.Body.String(), "private") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func wantLine(t *testing.T, log string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(log, text) {
			t.Errorf("the log lacks %q:\n%s", text, log)
		}
	}
}
