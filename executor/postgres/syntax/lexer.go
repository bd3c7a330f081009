package syntax

import "strings"

// TokenKind says what a token is.
type TokenKind uint8

// The kinds of tokens; comments and blanks are no tokens.
const (
	Word     TokenKind = iota // identifier or keyword, unquoted
	Quoted                    // "identifier", U&"identifier"
	String                    // '…', E'…', B'…', X'…', $tag$…$tag$
	Number                    // 1, 1.5e3, $1
	Operator                  // a run of operator characters, or ::
	Mark                      // one of ( ) [ ] , ; . :
)

// Token is one token of a statement, as a range of bytes.
type Token struct {
	Kind       TokenKind
	Start, End int
}

// Lex splits SQL into tokens by PostgreSQL's lexical rules. It never fails:
// what is unterminated ends with the text.
func Lex(sql string) []Token {
	tokens := make([]Token, 0, len(sql)/5+4)
	for i := 0; i < len(sql); {
		kind, end := next(sql, i)
		if kind != blank {
			tokens = append(tokens, Token{kind, i, end})
		}
		i = end
	}
	return tokens
}

// blank marks what next skips over: white space and comments.
const blank TokenKind = 255

const operators = "+-*/<>=~!@#%^&|`?"

// next returns the kind and the end of what starts at i.
func next(sql string, i int) (TokenKind, int) {
	switch c := sql[i]; {
	case isSpace(c):
		return blank, i + 1
	case strings.HasPrefix(sql[i:], "--"):
		return blank, lineEnd(sql, i)
	case strings.HasPrefix(sql[i:], "/*"):
		return blank, commentEnd(sql, i)
	case c == '\'':
		return String, quoteEnd(sql, i, false)
	case c == '"':
		return Quoted, quoteEnd(sql, i, false)
	case c == '$':
		return dollar(sql, i)
	case isDigit(c), c == '.' && i+1 < len(sql) && isDigit(sql[i+1]):
		return Number, numberEnd(sql, i)
	case isIdentStart(c):
		return word(sql, i)
	case strings.HasPrefix(sql[i:], "::"):
		return Operator, i + 2
	case strings.IndexByte(operators, c) >= 0:
		return Operator, operatorEnd(sql, i)
	default:
		return Mark, i + 1
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentStart(c byte) bool {
	return c == '_' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isIdent(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }

func lineEnd(sql string, i int) int {
	if n := strings.IndexByte(sql[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(sql)
}

// commentEnd returns the end of a block comment; they nest.
func commentEnd(sql string, i int) int {
	depth := 0
	for i < len(sql) {
		switch {
		case strings.HasPrefix(sql[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(sql[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(sql)
}

// quoteEnd returns the end of what the quote at i opens; a doubled quote, and
// with escapes a backslash, does not close it.
func quoteEnd(sql string, i int, escapes bool) int {
	quote := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case escapes && sql[i] == '\\':
			i++
		case sql[i] != quote:
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

// dollar reads $tag$…$tag$ or a parameter.
func dollar(sql string, i int) (TokenKind, int) {
	j := i + 1
	if j < len(sql) && isDigit(sql[j]) {
		return Number, numberEnd(sql, j)
	}
	for j < len(sql) && isIdent(sql[j]) && sql[j] != '$' {
		j++
	}
	if j == len(sql) || sql[j] != '$' {
		return Mark, i + 1
	}
	tag := sql[i : j+1]
	if n := strings.Index(sql[j+1:], tag); n >= 0 {
		return String, j + 1 + n + len(tag)
	}
	return String, len(sql)
}

func numberEnd(sql string, i int) int {
	for i < len(sql) && (isIdent(sql[i]) || sql[i] == '.') {
		i++
	}
	return i
}

// word reads an identifier or keyword, or the string that a prefix such as E
// or U& opens.
func word(sql string, i int) (TokenKind, int) {
	j := i + 1
	for j < len(sql) && isIdent(sql[j]) {
		j++
	}
	prefix := strings.ToLower(sql[i:j])
	switch {
	case j < len(sql) && sql[j] == '\'' && (prefix == "e" || prefix == "b" || prefix == "x" || prefix == "n"):
		return String, quoteEnd(sql, j, prefix == "e")
	case prefix == "u" && strings.HasPrefix(sql[j:], "&'"):
		return String, quoteEnd(sql, j+1, false)
	case prefix == "u" && strings.HasPrefix(sql[j:], `&"`):
		return Quoted, quoteEnd(sql, j+1, false)
	}
	return Word, j
}

// operatorEnd returns the end of a run of operator characters, which a comment
// ends.
func operatorEnd(sql string, i int) int {
	j := i + 1
	for j < len(sql) && strings.IndexByte(operators, sql[j]) >= 0 &&
		!strings.HasPrefix(sql[j:], "--") && !strings.HasPrefix(sql[j:], "/*") {
		j++
	}
	return j
}
