package handlers_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/handlers"
)

// serve runs a server as cmd does, and returns it with its address.
func serve(t *testing.T, o handlers.Options) (*http.Server, string) {
	t.Helper()
	server := handlers.NewServer(o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return server, "http://" + listener.Addr().String()
}

func liveOptions(r handlers.Releases, log *logLines) handlers.Options {
	return handlers.Options{
		Releases: r, Ready: func(context.Context) error { return nil },
		Metrics: prometheus.NewRegistry(), Log: log.logger(),
	}
}

// open reads a page's first event and returns the stream.
func open(t *testing.T, address string) *bufio.Scanner {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("status %d, content type %q", response.StatusCode, got)
	}
	lines := bufio.NewScanner(response.Body)
	waitForLine(t, lines, "orders-eu")
	return lines
}

func TestShutdownEndsLivePages(t *testing.T) {
	server, address := serve(t, liveOptions(&releases{rollout: rolloutIn(deploy.Running, "one")}, &logLines{}))
	lines := open(t, address+"/releases/01R/events")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for lines.Scan() { // to the end
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
}

func TestLivePagesHaveALimit(t *testing.T) {
	_, address := serve(t, liveOptions(&releases{rollout: rolloutIn(deploy.Running, "one")}, &logLines{}))
	for range 200 {
		open(t, address+"/releases/01R/events")
	}
	response, err := http.Get(address + "/releases/01R/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many is answered %d", response.StatusCode)
	}
}

func TestEventsOfAnUnknownRelease(t *testing.T) {
	if got := get(pages(&releases{}), "/releases/01X/events"); got.Code != http.StatusNotFound {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
}
