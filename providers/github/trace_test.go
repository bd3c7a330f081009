package github_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Every request is a span of its caller's, named by its route; nothing in it
// names a repository, a person or a token, and the forge hears of no trace.
func TestEveryRequestIsASpan(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracing := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(tracing)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			t.Error("the forge is told of the trace")
		}
		answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
	})
	ctx, parent := tracing.Tracer("test").Start(t.Context(), "job")
	_, _ = f.provider(t).PullRequestsOf(ctx, orders, "secretsha")
	parent.End()

	var names []string
	for _, s := range spans.Ended() {
		if s.SpanContext().TraceID() != parent.SpanContext().TraceID() {
			t.Errorf("%s is in another trace", s.Name())
		}
		names = append(names, s.Name())
		for _, a := range s.Attributes() {
			if text := a.Value.String(); strings.Contains(text, "orders") || strings.Contains(text, "secretsha") || strings.Contains(text, "token-") {
				t.Errorf("%s: %s is %s", s.Name(), a.Key, text)
			}
		}
	}
	for _, want := range []string{"GET repos/*/*/commits/*/pulls", "GET repos/*/*/installation", "POST app/installations/*/access_tokens"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span %s among %v", want, names)
		}
	}
}
