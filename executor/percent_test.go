package executor_test

import (
	"math"
	"testing"

	"github.com/shipsql/shipsql/executor"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		done, of int64
		percent  int
		known    bool
	}{
		{0, 0, 0, false}, {0, 7, 0, true}, {29, 100, 29, true}, {999, 1000, 99, true}, {7, 7, 100, true},
		{8, 7, 0, false}, {-1, 7, 0, false}, {1, -7, 0, false},
		{math.MaxInt64, math.MaxInt64, 100, true}, {math.MaxInt64 / 2, math.MaxInt64, 49, true},
	} {
		if percent, known := executor.Percent(c.done, c.of); percent != c.percent || known != c.known {
			t.Errorf("%d of %d: %d %t, want %d %t", c.done, c.of, percent, known, c.percent, c.known)
		}
	}
}
