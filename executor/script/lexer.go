package script

import "strings"

// tokenKind tells apart what matters for finding statements.
type tokenKind int

const (
	tokenEnd       tokenKind = iota // of the text
	tokenWord                       // keyword or unquoted identifier
	tokenOther                      // literal, quoted identifier, operator, number
	tokenComment                    // -- …
	tokenOpen                       // (
	tokenClose                      // )
	tokenDelimiter                  // ; or what the form says
	tokenBackslash                  // outside of quotes it belongs to psql
)

// pgToken is a piece of text; a nested comment is skipped like white space.
type pgToken struct {
	kind       tokenKind
	start, end int
}

// lexer walks over a text. It sees only where quotes and comments begin and end;
// everything else is left to the parser.
type lexer struct {
	sql       string
	pos       int
	delimiter delimiter // "": the semicolon
}

// class sorts bytes; a whole run of word bytes is one token.
type class uint8

const (
	classOther class = iota
	classSpace
	classWord  // starts a word
	classDigit // goes on in a word
	classMark  // needs a closer look
)

var classes = func() (table [256]class) {
	for c := range table {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			table[c] = classWord
		case c >= '0' && c <= '9':
			table[c] = classDigit
		case strings.IndexByte(" \t\n\r\f\v", byte(c)) >= 0:
			table[c] = classSpace
		case strings.IndexByte(`'"$-/();\`, byte(c)) >= 0:
			table[c] = classMark
		}
	}
	return table
}()

// next returns the next token.
func (l *lexer) next() pgToken {
	for l.pos < len(l.sql) {
		start := l.pos
		if l.delimiter.at(l.sql, start) {
			l.pos += len(l.delimiter)
			return pgToken{tokenDelimiter, start, l.pos}
		}
		switch classes[l.sql[start]] {
		default:
		case classSpace:
			l.pos++
			continue
		case classWord:
			return l.word(start)
		case classMark:
			if t, found := l.mark(start); found {
				return t
			}
			continue
		}
		l.pos++
		return pgToken{tokenOther, start, l.pos}
	}
	return pgToken{tokenEnd, len(l.sql), len(l.sql)}
}

// word reads an identifier or keyword, or the E'…' string that it introduces. A
// dollar sign inside a word belongs to it.
func (l *lexer) word(start int) pgToken {
	for l.pos < len(l.sql) {
		c := l.sql[l.pos]
		if k := classes[c]; k != classWord && k != classDigit && c != '$' {
			break
		}
		l.pos++
	}
	if l.pos == start+1 && (l.sql[start]|0x20) == 'e' && strings.HasPrefix(l.sql[l.pos:], "'") {
		l.escapeString()
		return pgToken{tokenOther, start, l.pos}
	}
	return pgToken{tokenWord, start, l.pos}
}

// mark reads what a special byte begins; it is not found when that was a nested
// comment.
func (l *lexer) mark(start int) (pgToken, bool) {
	rest := l.sql[start:]
	kind := tokenOther
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		l.quoted(c)
	case c == '$':
		l.dollar()
	case strings.HasPrefix(rest, "--"):
		kind = tokenComment
		l.lineComment()
	case strings.HasPrefix(rest, "/*"):
		l.nestedComment()
		return pgToken{}, false
	default:
		l.pos++
		kind = singles[c]
		if kind == tokenDelimiter && l.delimiter != "" {
			kind = tokenOther
		}
	}
	return pgToken{kind, start, l.pos}, true
}

var singles = [256]tokenKind{
	'-': tokenOther, '/': tokenOther,
	'(': tokenOpen, ')': tokenClose, ';': tokenDelimiter, '\\': tokenBackslash,
}

// quoted skips '…' or "…". A doubled quote needs no care: it reads as the end of
// one and the start of the next.
func (l *lexer) quoted(quote byte) { l.skipPast(l.pos+1, string(quote)) }

// skipPast moves behind the next end, or to the end of the text.
func (l *lexer) skipPast(from int, end string) {
	if i := strings.Index(l.sql[from:], end); i >= 0 {
		l.pos = from + i + len(end)
		return
	}
	l.pos = len(l.sql)
}

// escapeString skips E'…', where a backslash takes away the meaning of the byte
// behind it, together with the parts that go on in later lines.
func (l *lexer) escapeString() {
	for {
		l.pos++ // the opening quote
		for l.pos < len(l.sql) && l.sql[l.pos] != '\'' {
			if l.sql[l.pos] == '\\' {
				l.pos++
			}
			l.pos++
		}
		l.pos = min(l.pos+1, len(l.sql))
		next, goesOn := l.continuation()
		if !goesOn {
			return
		}
		l.pos = next
	}
}

// continuation finds a quote that goes on with the string before it: between
// them lie white space and comments with at least one line end.
func (l *lexer) continuation() (next int, found bool) {
	lineEnd := false
	for i := l.pos; i < len(l.sql); i++ {
		switch c := l.sql[i]; {
		case c == '\n' || c == '\r':
			lineEnd = true
		case c == '\'':
			return i, lineEnd
		case strings.HasPrefix(l.sql[i:], "--"):
			ahead := lexer{sql: l.sql, pos: i}
			ahead.lineComment()
			i = ahead.pos - 1
		case classes[c] != classSpace:
			return 0, false
		}
	}
	return 0, false
}

// dollar skips $tag$…$tag$; a dollar sign that begins no tag is an operator's or
// a parameter's.
func (l *lexer) dollar() {
	end := l.pos + 1
	for end < len(l.sql) && (classes[l.sql[end]] == classWord || classes[l.sql[end]] == classDigit && end > l.pos+1) {
		end++
	}
	if end == len(l.sql) || l.sql[end] != '$' {
		l.pos++
		return
	}
	l.skipPast(end+1, l.sql[l.pos:end+1])
}

// lineComment stops before the line end, which may be a lone carriage return.
func (l *lexer) lineComment() {
	if i := strings.IndexAny(l.sql[l.pos:], "\n\r"); i >= 0 {
		l.pos += i
		return
	}
	l.pos = len(l.sql)
}

// nestedComment skips /* … */ with the comments inside it.
func (l *lexer) nestedComment() {
	depth := 0
	for l.pos < len(l.sql) {
		switch rest := l.sql[l.pos:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return
			}
		default:
			l.pos++
		}
	}
}
