package handlers_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/handlers"
	"github.com/shipsql/shipsql/providers"
)

// forge is a provider that accepts bodies signed with "good".
type forge struct{ providers.Provider }

func (forge) Name() string { return "forge.example" }

func (forge) ParseWebhook(h http.Header, body []byte) (providers.Event, error) {
	if h.Get("Signature") != "good" {
		return providers.Event{}, providers.ErrSignature
	}
	return providers.Event{Kind: providers.Pushed, Delivery: "guid-1", Note: string(body[:min(len(body), 8)])}, nil
}

// inbox remembers what it was given, or fails with err.
type inbox struct {
	received []bot.Delivery
	err      error
}

func (i *inbox) Receive(_ context.Context, d bot.Delivery) (bot.Outcome, error) {
	if i.err != nil {
		return "", i.err
	}
	i.received = append(i.received, d)
	return bot.Accepted, nil
}

func edge(t *testing.T, in handlers.Inbox) http.Handler {
	t.Helper()
	return handlers.New(handlers.Options{
		Providers: map[string]providers.Provider{"forge.example": forge{}},
		Inbox:     in,
		Ready:     func(context.Context) error { return nil },
		Metrics:   prometheus.NewRegistry(),
		Log:       slog.New(slog.DiscardHandler),
	})
}

func post(h http.Handler, path, signature string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Signature", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWebhookAnswers(t *testing.T) {
	big := bytes.Repeat([]byte{'x'}, 26<<20)
	for name, c := range map[string]struct {
		path, signature string
		body            []byte
		failure         error
		status, stored  int
	}{
		"stored":           {"/webhooks/forge.example", "good", []byte("{}"), nil, http.StatusAccepted, 1},
		"wrong signature":  {"/webhooks/forge.example", "bad", []byte("{}"), nil, http.StatusUnauthorized, 0},
		"no signature":     {"/webhooks/forge.example", "", []byte("{}"), nil, http.StatusUnauthorized, 0},
		"unknown provider": {"/webhooks/other", "good", []byte("{}"), nil, http.StatusNotFound, 0},
		"26 MB":            {"/webhooks/forge.example", "good", big, nil, http.StatusRequestEntityTooLarge, 0},
		"exactly 25 MiB":   {"/webhooks/forge.example", "good", big[:25<<20], nil, http.StatusAccepted, 1},
		"store is down":    {"/webhooks/forge.example", "good", []byte("{}"), errors.New("disk full"), http.StatusServiceUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := &inbox{err: c.failure}
			got := post(edge(t, in), c.path, c.signature, bytes.NewReader(c.body))
			if got.Code != c.status || len(in.received) != c.stored {
				t.Errorf("status %d with %d stored, want %d with %d: %s", got.Code, len(in.received), c.status, c.stored, got.Body)
			}
			if strings.Contains(got.Body.String(), "disk full") {
				t.Error("the answer tells a stranger about our insides")
			}
		})
	}
}

func TestTheDeliveryNamesItsProviderAndGUID(t *testing.T) {
	in := &inbox{}
	post(edge(t, in), "/webhooks/forge.example", "good", strings.NewReader("{}"))
	if d := in.received[0]; d.Provider != "forge.example" || d.GUID != "guid-1" {
		t.Errorf("received %+v", d)
	}
}

func TestDeliveriesAreCounted(t *testing.T) {
	h := edge(t, &inbox{})
	post(h, "/webhooks/forge.example", "good", strings.NewReader("{}"))
	post(h, "/webhooks/forge.example", "bad", strings.NewReader("{}"))
	post(h, "/webhooks/<script>", "bad", strings.NewReader("{}"))
	body := get(h, "/metrics").Body.String()
	for _, want := range []string{
		`shipsql_deliveries_total{outcome="refused",provider="forge.example"} 1`,
		`shipsql_deliveries_total{outcome="unknown",provider="unknown"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, body)
		}
	}
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
