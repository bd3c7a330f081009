package torture_test

import "testing"

// TestNothingBreaks tells every scene, and a folder with a way back, to targets
// while nothing breaks.
func TestNothingBreaks(t *testing.T) {
	if raceDetector {
		t.Skip("what races here are processes, which the detector can't see")
	}
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r, err := newRound(t, p, quota{}, seedOf(t))
			if err != nil {
				t.Fatal(err)
			}
			defer r.wire.Close()
			stories := (len(p.scenes) + scenesPerStory - 1) / scenesPerStory
			for number := 1; number <= stories+1; number++ {
				if err := r.folder(t.Context(), number); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
