// Package nearest finds the word that a mistyped one was meant to be.
package nearest

import "unicode/utf8"

// maxLength is the length, in bytes, above which a word is no typo.
const maxLength = 100

// Word returns the candidate that is fewest edits (letters inserted, deleted or
// replaced) away from text; the first of several. It is not ok when more than a
// third of the letters, and more than two, would have to change.
func Word(text string, candidates []string) (word string, ok bool) {
	if len(text) > maxLength {
		return "", false
	}
	least := max(2, utf8.RuneCountInString(text)/3) + 1
	for _, c := range candidates {
		if d := distance(text, c); d < least && d < utf8.RuneCountInString(c) {
			word, least, ok = c, d, true
		}
	}
	return word, ok
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, utf8.RuneCountInString(b)+1)
	for j := range row {
		row[j] = j
	}
	for _, x := range a {
		diagonal, j := row[0], 0
		row[0]++
		for _, y := range b {
			j++
			replaced := diagonal
			if x != y {
				replaced++
			}
			diagonal = row[j]
			row[j] = min(replaced, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(row)-1]
}
