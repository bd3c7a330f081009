package torture_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnInterruptedRunGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "executor.json")
	interrupted := errors.New("interrupted")
	part := func(rounds, upTo int) *run {
		t.Helper()
		r, err := resume(file, quickly, rounds)
		if err != nil {
			t.Fatal(err)
		}
		err = r.play(func() (result, error) {
			if len(r.Done) >= upTo {
				return result{}, interrupted
			}
			return result{Counts: counts{cutCount: len(r.Done) + 1}}, nil
		})
		if upTo < rounds != errors.Is(err, interrupted) {
			t.Fatalf("up to %d of %d: %v", upTo, rounds, err)
		}
		return r
	}
	part(4, 1)
	part(4, 3)
	if r := part(4, 4); !strings.Contains(r.table("x"), " 10 "+cutCount) { // 1 + 2 + 3 + 4, each once
		t.Errorf("the table is\n%s", r.table("x"))
	}
	if again := part(4, 0); len(again.Done) != 1 { // the one that was interrupted
		t.Errorf("a run that is over is not begun anew: %d rounds", len(again.Done))
	}
	if other := part(5, 0); len(other.Done) != 1 {
		t.Errorf("a run of another size goes on: %d rounds", len(other.Done))
	}
}
