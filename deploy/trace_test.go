package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/shipsql/shipsql/deploy"
)

// record keeps the spans of a test.
func record(t *testing.T) *tracetest.SpanRecorder {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	return spans
}

// What follows a task's end belongs to its trace, though it ends together with
// others.
func TestATraceGoesOnBehindATask(t *testing.T) {
	spans := record(t)
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Done, deploy.Waiting)
	tasks := map[trace.SpanID]bool{}
	for _, span := range spans.Ended() {
		if span.Name() == "job "+deploy.JobTask {
			tasks[span.SpanContext().SpanID()] = true
		}
	}
	if !slices.ContainsFunc(spans.Ended(), func(s sdk.ReadOnlySpan) bool {
		return s.Name() == "job "+deploy.JobAdvance && tasks[s.Parent().SpanID()]
	}) {
		t.Errorf("no gate was looked at because of one of %d tasks", len(tasks))
	}
}

// The work on a database is one span, which names the task and how it ended, but
// nothing of the database's words.
func TestATaskIsOneSpan(t *testing.T) {
	spans := record(t)
	h := newHarness(t)
	h.engine.before = func(_, version string) error { return sqlFailure(version, "hunter2 is taken") }
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.expect(r.ID, deploy.Failed, deploy.Waiting)
	task := h.stage(r.ID, "test").Tasks[0]
	var found []sdk.ReadOnlySpan
	for _, span := range spans.Ended() {
		if span.Name() == "apply" {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans", len(found))
	}
	said := map[string]string{}
	for _, a := range found[0].Attributes() {
		said[string(a.Key)] = a.Value.String()
	}
	if said["task"] != task.ID || said["release"] != r.ID || said["environment"] != "test" {
		t.Errorf("attributes = %v", said)
	}
	if got := found[0].Status().Description; got != "sql_error" || strings.Contains(got, "hunter2") {
		t.Errorf("status = %q", got)
	}
}
