package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What is beyond these is not handed to the grammar, whose C code recurses.
const (
	MaxStatement = 1 << 20 // bytes
	MaxOperators = 2000    // operators and set operations in one list element
	MaxDepth     = 200     // brackets
)

// chaining are the words that, like operators, make a tree deeper without a
// bracket.
var chaining = map[string]bool{
	"and": true, "or": true, "not": true, "is": true, "isnull": true, "notnull": true, "collate": true,
	"case": true, "join": true, "union": true, "intersect": true, "except": true,
}

// guard says why a statement must not be parsed, or nil.
func guard(sql string) *Error {
	switch {
	case len(sql) > MaxStatement:
		return &Error{TooLarge, fmt.Sprintf("the statement is larger than %d bytes", MaxStatement), -1}
	case strings.IndexByte(sql, 0) >= 0:
		return &Error{Syntax, "the statement holds a NUL byte", strings.IndexByte(sql, 0)}
	case !utf8.ValidString(sql):
		return &Error{Syntax, "the statement is not valid UTF-8", invalidAt(sql)}
	case len(sql) < MaxDepth: // too short to reach a limit
		return nil
	}
	return guardTokens(sql, Lex(sql))
}

func invalidAt(sql string) int {
	for i, r := range sql {
		if r == utf8.RuneError && !strings.HasPrefix(sql[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// guardTokens counts brackets, and the operators of each list element: a comma
// starts a new one, so a long VALUES list is no deep tree.
func guardTokens(sql string, tokens []Token) *Error {
	counts := make([]int, 1, 16)
	for _, t := range tokens {
		top := len(counts) - 1
		switch text := sql[t.Start:t.End]; {
		case text == "(" || text == "[":
			counts = append(counts, 0)
		case (text == ")" || text == "]") && top > 0:
			counts = counts[:top]
		case text == ",":
			counts[top] = 0
		case t.Kind == Operator || t.Kind == Word && len(text) <= 9 && chaining[strings.ToLower(text)]:
			counts[top]++
		}
		if len(counts) > MaxDepth+1 {
			return &Error{TooDeep, fmt.Sprintf("the statement nests deeper than %d brackets", MaxDepth), t.Start}
		}
		if counts[len(counts)-1] > MaxOperators {
			return &Error{TooLarge, fmt.Sprintf("the statement chains more than %d operators", MaxOperators), t.Start}
		}
	}
	return nil
}
