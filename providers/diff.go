package providers

import (
	"regexp"
	"strconv"
	"strings"
)

// LineRange is a run of lines, first and last included, 1-based.
type LineRange struct{ First, Last int }

// Holds says if first..last lies in the range.
func (r LineRange) Holds(first, last int) bool {
	return r.First <= first && first <= last && last <= r.Last
}

var hunkHeader = regexp.MustCompile(`^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@`)

// DiffLines gives the lines of the new side that the patch shows: a comment
// must lie within one of these ranges, or the forge refuses the whole review.
func (f ChangedFile) DiffLines() []LineRange {
	var ranges []LineRange
	for line := range strings.Lines(f.Patch) {
		m := hunkHeader.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		first, count := number(m[1], 0), number(m[2], 1)
		if first > 0 && count > 0 {
			ranges = append(ranges, LineRange{First: first, Last: first + count - 1})
		}
	}
	return ranges
}

// number is the decimal s, or otherwise where there is none that fits.
func number(s string, otherwise int) int {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return otherwise
	}
	return int(n)
}
