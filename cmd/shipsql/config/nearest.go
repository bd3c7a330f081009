package config

// nearest returns the candidate that text is most likely a typo of, if any is
// near enough: at most a third of its letters differ, and at most two for
// short words.
func nearest(text string, candidates []string) (string, bool) {
	best, found := "", false
	least := max(2, len(text)/3) + 1
	for _, candidate := range candidates {
		if d := distance(text, candidate); d < least && d < len(candidate) {
			best, least, found = candidate, d, true
		}
	}
	return best, found
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
