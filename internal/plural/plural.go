// Package plural writes numbers with their nouns.
package plural

import (
	"fmt"
	"strings"
)

// Count is a number with its noun: "1 file", "2 files".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if person, ok := strings.CutSuffix(noun, "person"); ok {
		return fmt.Sprintf("%d %speople", n, person)
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
