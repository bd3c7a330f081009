package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
)

// A caller's traceparent is a link: strangers don't write into our traces, nor
// decide what is sampled.
func TestAWebhookBeginsATraceOfItsOwn(t *testing.T) {
	recorded := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorded)))
	defer otel.SetTracerProvider(noop.NewTracerProvider())
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	r := httptest.NewRequest(http.MethodPost, "/webhooks/forge.example", strings.NewReader("{}"))
	r.Header.Set("Signature", "good")
	r.Header.Set("Traceparent", "00-"+theirs+"-b7ad6b7169203331-01")
	edge(t, &inbox{}).ServeHTTP(httptest.NewRecorder(), r)
	spans := recorded.Ended()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	span := spans[0]
	if span.Parent().IsValid() || span.SpanContext().TraceID().String() == theirs {
		t.Errorf("it continues the caller's trace: %v", span.Parent())
	}
	if links := span.Links(); len(links) != 1 || links[0].SpanContext.TraceID().String() != theirs {
		t.Errorf("the links are %v", links)
	}
	told := attribute.NewSet(span.Attributes()...)
	for key, want := range map[attribute.Key]string{"delivery": "guid-1", "outcome": "accepted", "route": "/webhooks/:name", "status": "202"} {
		if value, _ := told.Value(key); value.String() != want {
			t.Errorf("%s is %q, want %q", key, value.String(), want)
		}
	}
}
