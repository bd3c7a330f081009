package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

func TestAnAttemptContinuesTheTraceThatEnqueuedIt(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	q, db := newQueue(t, clock.System, fast())
	inside := make(chan trace.SpanContext, 10)
	q.Handle("k", func(ctx context.Context, job queue.Job) error {
		inside <- trace.SpanContextFromContext(ctx)
		if job.Attempts == 0 {
			return errors.New("dial postgres://u:hunter2@h/db")
		}
		return nil
	})
	run(t, q)
	ctx, parent := otel.Tracer("test").Start(t.Context(), "webhook")
	err := db.Tx(ctx, func(tx *store.Tx) error {
		return q.Enqueue(ctx, tx, queue.NewJob{Kind: "k", Key: "pr", Payload: "a secret payload"})
	})
	parent.End()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := next(t, inside); got.TraceID() != parent.SpanContext().TraceID() {
			t.Errorf("the handler is in trace %s, want %s", got.TraceID(), parent.SpanContext().TraceID())
		}
	}
	eventually(t, "spans end", func() bool { return len(spans.Ended()) == 3 })
	first := firstAttempt(spans.Ended())
	if first.Name() != "job k" || first.Parent().SpanID() != parent.SpanContext().SpanID() || first.SpanKind() != trace.SpanKindConsumer {
		t.Errorf("the span is %q under %s", first.Name(), first.Parent().SpanID())
	}
	if s := first.Status(); s.Code != codes.Error || !strings.Contains(s.Description, "dial") || strings.Contains(s.Description, "hunter2") {
		t.Errorf("the failure is recorded as %+v", s)
	}
	said := map[string]string{}
	for _, a := range first.Attributes() {
		said[string(a.Key)] = a.Value.String()
	}
	if said["kind"] != "k" || said["job"] == "" || said["attempts"] != "0" || said["outcome"] != "failed" {
		t.Errorf("the attributes are %v", said)
	}
	for name, value := range said {
		if strings.Contains(value, "secret") {
			t.Errorf("%s shows the payload", name)
		}
	}
}

// firstAttempt finds its span: the second attempt may be over before it.
func firstAttempt(spans []sdk.ReadOnlySpan) sdk.ReadOnlySpan {
	at := slices.IndexFunc(spans, func(s sdk.ReadOnlySpan) bool {
		return slices.ContainsFunc(s.Attributes(), func(a attribute.KeyValue) bool { return a.Key == "attempts" && a.Value.AsInt64() == 0 })
	})
	return spans[at]
}

// Each job enqueues the next, in its own time: Idle must not return between two.
func TestIdleSeesEveryJobOfAChain(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	const links = 200
	q.Handle("chain", func(ctx context.Context, job queue.Job) error {
		if string(job.Payload) == "0" {
			return nil
		}
		return db.Tx(ctx, func(tx *store.Tx) error {
			left := 0
			for _, digit := range job.Payload {
				left = left*10 + int(digit-'0')
			}
			return q.Enqueue(ctx, tx, queue.NewJob{Kind: "chain", Key: "k", Payload: left - 1, RunAfter: tx.Now()})
		})
	})
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "chain", Key: "k", Payload: links})
	idle(t, q)
	if got := states(t, db)["done"]; got != links+1 {
		t.Errorf("idle after %d of %d jobs", got, links+1)
	}
}
