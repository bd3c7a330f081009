package command

import "strings"

// nearest is the candidate closest to word by edit distance, or "" when none is
// close enough to be meant: a third of the letters may differ, at least one. It
// is stricter than internal/nearest, for it also decides whether a bare line is
// ours to answer, and it counts two letters in the wrong order as one mistake.
func nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	if len(word) > 64 {
		return ""
	}
	best, found := 1+max(1, len([]rune(word))/3), ""
	for _, c := range candidates {
		if d := distance([]rune(word), []rune(strings.ToLower(c))); d < best {
			best, found = d, c
		}
	}
	return found
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
