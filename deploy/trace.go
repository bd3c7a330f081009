package deploy

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// traced puts a span around the work on one database. It names the task and how
// it ended, never what a database said: that may hold data.
func traced(ctx context.Context, a *attempt, work func(context.Context) (executor.Result, error)) (executor.Result, error) {
	ctx, span := otel.Tracer("github.com/shipsql/shipsql/deploy").Start(ctx, "apply", trace.WithAttributes(
		attribute.String("task", a.ID), attribute.String("release", a.Release),
		attribute.String("environment", a.Environment), attribute.Int("attempts", a.Attempts)))
	defer span.End()
	result, err := work(ctx)
	if err != nil {
		span.SetStatus(codes.Error, string(fault.CodeOf(err)))
	}
	return result, err
}

// within is ctx as a part of the trace in which the attempt was started: what it
// shares with others is done in none.
func (a *attempt) within(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, a.span)
}
