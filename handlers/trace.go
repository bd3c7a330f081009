package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced begins a trace with every webhook; the jobs that follow continue it. Who
// calls from outside can't make it a part of a trace of theirs: it is only linked.
// The span shows what the log shows.
func traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		outside := propagation.TraceContext{}.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
		ctx, span := otel.Tracer("github.com/shipsql/shipsql/handlers").Start(request.Context(), "webhook",
			trace.WithSpanKind(trace.SpanKindServer), trace.WithLinks(trace.LinkFromContext(outside)))
		defer span.End()
		c.SetRequest(request.WithContext(ctx))
		err := next(c)
		if span.IsRecording() {
			describe(span, c)
		}
		return err
	}
}

func describe(span trace.Span, c echo.Context) {
	delivery, _ := c.Get(deliveryKey).(string)
	outcome, _ := c.Get(outcomeKey).(string)
	span.SetAttributes(
		attribute.String("route", c.Path()), attribute.Int("status", c.Response().Status),
		attribute.String("delivery", delivery), attribute.String("outcome", outcome))
	if c.Response().Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}
