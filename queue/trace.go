package queue

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceparent is the header of https://www.w3.org/TR/trace-context/ in which a
// trace goes along with a job.
const traceparent = "traceparent"

// TraceOf is the trace that ctx belongs to, as a W3C traceparent; "" for none.
func TraceOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// traced begins the span of an attempt, as a part of the trace that enqueued the
// job. It shows what the log shows, and never the payload.
func traced(ctx context.Context, job Job) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: job.Trace})
	return otel.Tracer("github.com/shipsql/shipsql/queue").Start(ctx, "job "+job.Kind, //nolint:spancheck // endSpan ends it
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("job", job.ID), attribute.String("kind", job.Kind),
			attribute.String("key", job.Key), attribute.Int("attempts", job.Attempts)))
}

// endSpan records how the attempt ended; a verdict's error has no secrets.
func endSpan(span trace.Span, v verdict) {
	span.SetAttributes(attribute.String("outcome", string(v.outcome)))
	if v.lastError != "" {
		span.SetStatus(codes.Error, v.lastError)
	}
	span.End()
}
