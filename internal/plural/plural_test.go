package plural_test

import (
	"testing"

	"github.com/shipsql/shipsql/internal/plural"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0 statements": plural.Count(0, "statement"),
		"1 statement":  plural.Count(1, "statement"),
		"2 statements": plural.Count(2, "statement"),
		"1 more query": plural.Count(1, "more query"),
		"3 queries":    plural.Count(3, "query"),
		"2 people":     plural.Count(2, "person"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
