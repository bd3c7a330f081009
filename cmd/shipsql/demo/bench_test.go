package demo_test

import (
	"io"
	"testing"

	"github.com/shipsql/shipsql/cmd/shipsql/demo"
)

// BenchmarkFootprint takes an idle bot's memory, and the forge requests that one
// pull request and one push to it cost (budget: 8 a push).
func BenchmarkFootprint(b *testing.B) {
	var f demo.Footprint
	for b.Loop() {
		var err error
		if f, err = demo.Measure(b.Context(), demo.Options{Executable: executable, Out: io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(f.IdleBytes)/(1<<20), "MiB-idle")
	b.ReportMetric(float64(f.Opened), "requests/new-PR")
	b.ReportMetric(float64(f.Pushed), "requests/push")
}
