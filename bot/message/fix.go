package message

import (
	"regexp"
	"strings"
)

// Advice is a finding's fix in two parts: what to do in words, and the SQL.
type Advice struct{ Words, SQL string }

// statement is one line that is SQL by its look: it begins with an upper-case
// word and ends with a semicolon.
var statement = regexp.MustCompile(`^[A-Z]{4,}\b[^\n]*;$`)

// Advice splits the fix, which the reviewer writes as words, as SQL, or as words
// that end with a colon above the SQL. The drop-in suggestion stands for a fix
// that says the same.
func (f Finding) Advice() Advice {
	fix := strings.TrimSpace(f.Fix)
	first, rest, several := strings.Cut(fix, "\n")
	switch {
	case fix == "" || fix == strings.TrimSpace(f.Suggestion):
		return Advice{SQL: f.Suggestion}
	case several && strings.HasSuffix(first, ":"):
		return Advice{Words: first, SQL: rest}
	case several || statement.MatchString(fix):
		return Advice{SQL: fix}
	}
	return Advice{Words: fix, SQL: f.Suggestion}
}
