package serve

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// flushPatience is how long a stop waits for the last spans to be taken.
const flushPatience = 3 * time.Second

// openTracing sends traces where the standard variables of OpenTelemetry say so,
// and makes nothing at all where they don't. A variable that can't be followed is
// a warning: nobody's deployment waits for a trace.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func openTracing(ctx context.Context, o Options) (stop func()) {
	nothing := func() {}
	wanted, problem := tracesWanted()
	if problem != "" {
		o.Log.Warn("No traces are sent: " + problem)
	}
	if !wanted {
		return nothing
	}
	otel.SetLogger(logr.FromSlogHandler(o.Log.Handler()))
	exporter, err := otlptracehttp.New(ctx) // endpoint, headers, TLS and timeout from the environment
	if err != nil {
		o.Log.Warn("No traces are sent", "error", err)
		return nothing
	}
	provider := sdktrace.NewTracerProvider( // sampler, batch and limits from the environment
		sdktrace.WithBatcher(&discreet{SpanExporter: exporter, log: o.Log}),
		sdktrace.WithResource(identity(ctx, o)),
	)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			o.Log.Warn("The last spans of the traces are lost", "error", err)
		}
	}
}

// tracesWanted reads the standard variables: an exporter or its endpoint asks for
// traces. The problem is why they can't be had.
func tracesWanted() (wanted bool, problem string) {
	protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	exporter := os.Getenv("OTEL_TRACES_EXPORTER")
	endpoint := first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none", exporter == "" && endpoint == "":
		return false, ""
	case exporter != "" && exporter != "otlp":
		return false, fmt.Sprintf("OTEL_TRACES_EXPORTER %q is not supported; use otlp or none", exporter)
	case protocol != "" && protocol != "http/protobuf":
		return false, fmt.Sprintf("OTEL_EXPORTER_OTLP_PROTOCOL %q is not supported; use http/protobuf", protocol)
	}
	return true, ""
}

// first is the value of the first variable that is set.
func first(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// identity says whose spans these are; OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES have the last word.
func identity(ctx context.Context, o Options) *resource.Resource {
	host, _ := os.Hostname() // for people: none is no harm
	found, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "shipsql"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", fmt.Sprintf("%s:%d", host, os.Getpid())),
			attribute.String("host.name", host), attribute.String("shipsql.role", string(o.Role))),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		o.Log.Warn("A part of the traces' resource is missing", "error", err)
	}
	return found
}
