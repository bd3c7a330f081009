package github

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// startSpan begins the span of one request. It names the route and the host, and
// neither names nor the query, which may hold people's and repositories' names;
// the forge is not told of the trace.
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
func startSpan(req *http.Request, route string) (context.Context, trace.Span) {
	return otel.Tracer("github.com/shipsql/shipsql/providers/github").Start(req.Context(), req.Method+" "+route, //nolint:spancheck // it ends with the answer's body
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("http.request.method", req.Method),
			attribute.String("url.template", route),
			attribute.String("server.address", req.URL.Hostname()),
		))
}

// describe puts the answer's status into the span; 0: none came.
func describe(span trace.Span, status int) {
	if status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if status == 0 || status >= http.StatusBadRequest {
		span.SetStatus(codes.Error, "")
	}
}
