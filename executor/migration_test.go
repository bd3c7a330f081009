package executor_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor"
)

func TestChecksumIsOfTheTextNotOfItsEncoding(t *testing.T) {
	want := executor.Checksum([]byte("select 1;\nselect 2;\n"))
	for _, same := range []string{"select 1;\r\nselect 2;\r\n", "\ufeffselect 1;\nselect 2;\n"} {
		if got := executor.Checksum([]byte(same)); got != want {
			t.Errorf("Checksum(%q) differs", same)
		}
	}
	for _, other := range []string{"select 1;\nselect 2;", "select 1;\n\nselect 2;\n", "select 1;\rselect 2;\n"} {
		if executor.Checksum([]byte(other)) == want {
			t.Errorf("Checksum(%q) is the same", other)
		}
	}
	if got := executor.Checksum(""); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("Checksum of nothing = %s, want sha256 in hex", got)
	}
}

func TestCompareVersions(t *testing.T) {
	ascending := []string{"0", "0.9", "1", "1.0.1", "1.2", "1.10", "9", "10", "20260102030405", "99999999999999999999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got := executor.CompareVersions(a, b); got != sign(i-j) {
				t.Errorf("CompareVersions(%s, %s) = %d", a, b, got)
			}
		}
	}
	for a, b := range map[string]string{"1": "1.0", "001": "1", "1.02": "1.2.0"} {
		if executor.CompareVersions(a, b) != 0 {
			t.Errorf("%s and %s differ", a, b)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestVersionsAreOrderedAndKeyed(t *testing.T) {
	version := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.StringMatching(`[0-2]{1,3}`), 1, 4).Draw(t, "parts"), ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := version.Draw(t, "a"), version.Draw(t, "b"), version.Draw(t, "c")
		compare := executor.CompareVersions
		if compare(a, b) != -compare(b, a) {
			t.Fatalf("%s and %s: not antisymmetric", a, b)
		}
		if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
			t.Fatalf("%s, %s, %s: not transitive", a, b, c)
		}
		if (compare(a, b) == 0) != (executor.VersionKey(a) == executor.VersionKey(b)) {
			t.Fatalf("%s and %s: key and order disagree", a, b)
		}
	})
}
