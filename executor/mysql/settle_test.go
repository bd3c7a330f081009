package mysql_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/mysql"
)

// What can't be proven is unknown: an outcome is only told when the other one
// would look different.
func TestJudgeNeverGuesses(t *testing.T) {
	t.Parallel()
	fingerprint := rapid.SampledFrom([]string{"", "a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 3).Draw(t, "objects")
		draw := func(label string) []string { return rapid.SliceOfN(fingerprint, n, n).Draw(t, label) }
		pre, now, foreseen := draw("pre"), draw("now"), draw("foreseen")
		known := rapid.Bool().Draw(t, "known")
		if !known {
			foreseen = nil
		}
		want := "unknown"
		switch {
		case !known || n == 0 || slices.Equal(pre, foreseen):
		case slices.Equal(now, foreseen):
			want = "took"
		case slices.Equal(now, pre):
			want = "none"
		}
		if got := mysql.Judge(pre, now, foreseen); got != want {
			t.Fatalf("before %q, now %q, foreseen %q: %s, want %s", pre, now, foreseen, got, want)
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, now, want string }{
		{"a", "a", ""},
		{"a\nb\nc", "a\nx\nc", "-b\n+x"},
		{"a\nc", "a\nb\nc", "+b"},
		{"", "", ""},
		{"a\na", "a", "-a"},
	} {
		if got := mysql.Diff(c.before, c.now); got != c.want {
			t.Errorf("diff of %q and %q: %q, want %q", c.before, c.now, got, c.want)
		}
	}
}
