package serve

import (
	"context"
	"log/slog"
	"regexp"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/shipsql/shipsql/internal/secret"
)

// discreet is an exporter that tells collectors no more than the log: attributes
// under known keys, without secrets, and no texts of errors, because a
// database quotes SQL and data in them. When the collector is away, that is
// logged once, and its spans are lost.
type discreet struct {
	sdktrace.SpanExporter

	log  *slog.Logger
	away bool // for the one goroutine that exports
}

// ExportSpans sends spans; a collector that doesn't take them is no error, since
// nobody could do anything about it.
func (d *discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	told := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		told[i] = discreetSpan{span}
	}
	err := d.SpanExporter.ExportSpans(ctx, told)
	switch {
	case err != nil && !d.away:
		d.log.Warn("The collector of traces takes none; they are dropped until it does", "error", err)
	case err == nil && d.away:
		d.log.Info("The collector takes traces again")
	}
	d.away = err != nil
	return nil
}

// discreetSpan is a span without what must not leave.
type discreetSpan struct{ sdktrace.ReadOnlySpan }

// Attributes are those under known keys.
func (s discreetSpan) Attributes() []attribute.KeyValue {
	return discreetly(s.ReadOnlySpan.Attributes())
}

// Events have the attributes that spans may have.
func (s discreetSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = discreetly(events[i].Attributes)
	}
	return events
}

var code = regexp.MustCompile(`^[a-z_]*$`)

// Status is described by a code of package fault, or not at all.
func (s discreetSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	if !code.MatchString(status.Description) {
		status.Description = ""
	}
	return status
}

// spanKeys are what attributes may be called: as in the log, and as OpenTelemetry
// names requests. What a forge is asked for is told as a route.
var spanKeys = append(slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "error" || key == "stack" }),
	"http.request.method", "url.template", "server.address", "http.response.status_code")

// discreetly are the attributes that may be told, without secrets.
func discreetly(attributes []attribute.KeyValue) []attribute.KeyValue {
	var told []attribute.KeyValue
	for _, a := range attributes {
		if !slices.Contains(spanKeys, string(a.Key)) {
			continue
		}
		if a.Value.Type() == attribute.STRING {
			a.Value = attribute.StringValue(secret.Redact(a.Value.AsString()))
		}
		told = append(told, a)
	}
	return told
}
