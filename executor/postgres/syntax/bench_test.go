package syntax_test

import (
	"fmt"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func BenchmarkParse(b *testing.B) {
	statements := make([]string, 2000)
	for i := range statements {
		statements[i] = fmt.Sprintf("ALTER TABLE app.orders_%d ADD COLUMN note_%d text NOT NULL DEFAULT 'none'", i, i)
	}
	p := newParser(b, syntax.Options{})
	for b.Loop() {
		if _, err := p.Parse(b.Context(), statements); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(statements)*b.N)/b.Elapsed().Seconds(), "statements/s")
}
