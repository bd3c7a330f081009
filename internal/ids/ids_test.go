package ids_test

import (
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/ids"
)

func TestIdsSortInTheOrderOfTheirMaking(t *testing.T) {
	source, now := ids.New(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	last := ""
	for i := range 100_000 {
		moment := now
		if i%3 == 0 {
			moment = now.Add(-time.Hour) // the clock went back
		}
		id := source.At(moment)
		if id <= last {
			t.Fatalf("id %d: %s after %s", i, id, last)
		}
		last = id
	}
}

func TestIdsOfTheSameMomentDiffer(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if a, b := ids.New().At(now), ids.New().At(now); a == b {
		t.Errorf("two sources made %s", a)
	}
}
