package gitmem

import (
	"fmt"
	"strings"
)

// PatchLine is a line of a patch: where it stands in the old and the new file,
// 0 where it doesn't. A hunk's header has neither.
type PatchLine struct {
	Kind byte // ' ', '+', '-', '@' for a hunk's header, '\\' for a missing newline
	Old  int
	New  int
	Text string // without the kind
}

// ParsePatch numbers the lines of a FileDiff's patch.
func ParsePatch(patch string) []PatchLine {
	var lines []PatchLine
	before, after := 0, 0
	for raw := range strings.Lines(patch) {
		raw = strings.TrimSuffix(raw, "\n")
		if raw == "" {
			continue
		}
		line := PatchLine{Kind: raw[0], Text: raw[1:]}
		switch line.Kind {
		case '@':
			before, after = hunkStart(raw)
			line.Text = raw
		case '+':
			line.New = after
			after++
		case '-':
			line.Old = before
			before++
		case ' ':
			line.Old, line.New = before, after
			before++
			after++
		}
		lines = append(lines, line)
	}
	return lines
}

// hunkStart reads "@@ -old,n +new,n @@"; a missing count leaves its comma out.
func hunkStart(header string) (before, after int) {
	fields := strings.Fields(header)
	if len(fields) < 3 {
		return 0, 0
	}
	_, _ = fmt.Sscanf(fields[1], "-%d", &before)
	_, _ = fmt.Sscanf(fields[2], "+%d", &after)
	return before, after
}
