package serve_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shipsql/shipsql/cmd/shipsql/serve"
)

// spans is a collector of traces: it takes what OTLP exporters send over HTTP.
type spans struct {
	mu       sync.Mutex
	all      []*trace.Span
	resource string
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		s.resource = resource.GetResource().String()
		for _, scope := range resource.GetScopeSpans() {
			s.all = append(s.all, scope.GetSpans()...)
		}
	}
}

// named are the spans of a name.
func (s *spans) named(name string) (found []*trace.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.all {
		if span.GetName() == name {
			found = append(found, span)
		}
	}
	return found
}

func (s *spans) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.all, s.resource)
}

// A delivery and the jobs that follow from it are one trace.
func TestADeliveryAndItsJobsAreOneTrace(t *testing.T) {
	got := &spans{}
	server := httptest.NewServer(got)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_SERVICE_NAME", "shipsql-test")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	o, _ := options(t, "")
	address, stop := boot(t, o)
	if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
		t.Fatalf("a delivery is answered %d", status)
	}
	waitForMetrics(t, address, `shipsql_job_attempts_total{kind="delivery"`)
	if err := stop(); err != nil { // the rest is sent at the end
		t.Fatal(err)
	}
	webhooks, jobs := got.named("webhook"), got.named("job delivery")
	if len(webhooks) != 1 || len(jobs) == 0 {
		t.Fatalf("%d webhooks, %d delivery jobs in %s", len(webhooks), len(jobs), got.text())
	}
	for _, job := range jobs {
		if hex.EncodeToString(job.GetTraceId()) != hex.EncodeToString(webhooks[0].GetTraceId()) {
			t.Errorf("the job's trace is %x, the webhook's %x", job.GetTraceId(), webhooks[0].GetTraceId())
		}
	}
	if !strings.Contains(got.text(), "shipsql-test") {
		t.Errorf("the resource is %s", got.resource)
	}
	for _, planted := range []string{webhookSecret, databaseLogin, "refs/heads", "PRIVATE KEY"} {
		if strings.Contains(got.text(), planted) {
			t.Errorf("%q is in the spans: %s", planted, got.text())
		}
	}
	checkKeys(t, got)
}

// checkKeys: spans tell no more than the log.
func checkKeys(t *testing.T, got *spans) {
	t.Helper()
	got.mu.Lock()
	defer got.mu.Unlock()
	for _, span := range got.all {
		for _, a := range span.GetAttributes() {
			if !slices.Contains(serve.SpanKeys, a.GetKey()) {
				t.Errorf("%s has the attribute %s", span.GetName(), a)
			}
		}
		if text := span.GetStatus().GetMessage(); strings.ContainsAny(text, " :") {
			t.Errorf("%s has the status %q", span.GetName(), text)
		}
	}
}

// What a room puts into a span by mistake stays here.
func TestSpansTellNoMoreThanTheLog(t *testing.T) {
	got := &spans{}
	server := httptest.NewServer(got)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	o, _ := options(t, "")
	_, stop := boot(t, o)
	_, span := otel.Tracer("test").Start(t.Context(), "careless", oteltrace.WithAttributes(
		attribute.String("db.query.text", "SELECT 'personal'"), attribute.String("error", "personal"),
		attribute.String("key", "postgres://u:"+databaseLogin+"@h/db"), attribute.Int("attempts", 3)))
	span.RecordError(errors.New("duplicate key: personal"))
	span.SetStatus(codes.Error, "duplicate key: personal")
	span.End()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	found := got.named("careless")
	if len(found) != 1 || len(found[0].GetAttributes()) != 2 || found[0].GetStatus().GetCode() != trace.Status_STATUS_CODE_ERROR {
		t.Errorf("the span is %v", found)
	}
	for _, planted := range []string{"personal", databaseLogin} {
		if strings.Contains(got.text(), planted) {
			t.Errorf("%q is in the spans: %s", planted, got.text())
		}
	}
	checkKeys(t, got)
}

// A collector that is away, or hangs, costs a log line.
func TestWithoutItsCollectorEverythingGoesOn(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	for name, endpoint := range map[string]string{"away": "http://127.0.0.1:1", "hangs": hanging.URL} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
			o, log := options(t, "")
			address, stop := boot(t, o)
			for range 20 {
				if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
					t.Errorf("a delivery is answered %d", status)
				}
			}
			waitForMetrics(t, address, `shipsql_job_attempts_total{kind="delivery"`)
			began := time.Now()
			if err := stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
			if took := time.Since(began); took > patience {
				t.Errorf("the end took %s", took)
			}
			if n := strings.Count(log.String(), "collector"); n > 1 {
				t.Errorf("%d lines on the collector:\n%s", n, log)
			}
		})
	}
}

func TestTracesFollowTheStandardVariables(t *testing.T) {
	got := &spans{}
	server := httptest.NewServer(got)
	defer server.Close()
	for name, c := range map[string]struct {
		env  map[string]string
		sent bool
		log  string
	}{
		"nothing":          {env: nil},
		"an endpoint":      {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}, sent: true},
		"the traces' own":  {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": server.URL + "/v1/traces"}, sent: true},
		"disabled":         {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_SDK_DISABLED": "true"}},
		"no exporter":      {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_TRACES_EXPORTER": "none"}},
		"another exporter": {env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, log: "zipkin"},
		"gRPC":             {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, log: "http/protobuf"},
		"never sampled":    {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_TRACES_SAMPLER": "always_off"}},
	} {
		t.Run(name, func(t *testing.T) {
			got.mu.Lock()
			got.all = nil
			got.mu.Unlock()
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			o, log := options(t, "")
			address, stop := boot(t, o)
			if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
				t.Fatalf("a delivery is answered %d", status)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if sent := len(got.named("webhook")) > 0; sent != c.sent {
				t.Errorf("sent: %v, want %v", sent, c.sent)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("the log lacks %q:\n%s", c.log, log)
			}
		})
	}
}
