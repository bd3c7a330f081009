package spool

import (
	"iter"
	"strings"
)

// window is how much of a spooled text is resident at once, about.
const window = 1 << 20

// Parts cuts a text, spooled or not, into pieces of whole lines, so that a pass
// over it needs not have it resident. A piece is as long as the longest line, if
// that is longer than the window.
func Parts(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			n := min(window, len(text))
			if i := strings.IndexByte(text[n:], '\n'); i >= 0 {
				n += i + 1
			} else {
				n = len(text)
			}
			if !yield(text[:n]) {
				return
			}
			Passed(text[:n])
			text = text[n:]
		}
	}
}

// Contains is [strings.Contains] for words within a line.
func Contains(text, word string) bool {
	for part := range Parts(text) {
		if strings.Contains(part, word) {
			return true
		}
	}
	return false
}

// Count is [strings.Count] for words within a line.
func Count(text, word string) (n int) {
	for part := range Parts(text) {
		n += strings.Count(part, word)
	}
	return n
}
