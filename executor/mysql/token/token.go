package token

import "strings"

// Kind says what a token is.
type Kind uint8

// The kinds of tokens.
const (
	End          Kind = iota // of the text
	Word                     // keyword or unquoted name
	Number                   // digits; the parts of 1.5 are tokens of their own
	Name                     // `…`
	Double                   // "…": a string, or a name under ANSI_QUOTES
	String                   // '…'
	Mark                     // one byte of anything else
	Comment                  // # …, -- … or /* … */
	VersionOpen              // /*!, /*!80000, /*M! or /*M!100000
	VersionClose             // the */ that ends it
)

// Token is a piece of a text.
type Token struct {
	Kind       Kind
	Start, End int // bytes: the first one, and the one behind the last
}

// In returns the token's text.
func (t Token) In(text string) string { return text[t.Start:t.End] }

// Is says whether the token is this word, in any case, or this mark.
func (t Token) Is(text, word string) bool {
	return (t.Kind == Word || t.Kind == Mark) && strings.EqualFold(t.In(text), word)
}

// Lexer walks over a text. Set Pos to begin, or go on, elsewhere.
type Lexer struct {
	Text string
	Pos  int

	version bool // inside of a version comment
}

// class sorts bytes.
type class uint8

const (
	classMark class = iota
	classSpace
	classWord
	classDigit
)

var classes = func() (table [256]class) {
	for c := range table {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '$', c >= 0x80:
			table[c] = classWord
		case c >= '0' && c <= '9':
			table[c] = classDigit
		case c == ' ', c >= '\t' && c <= '\r':
			table[c] = classSpace
		}
	}
	return table
}()

// IsSpace says whether a byte is white space between tokens.
func IsSpace(c byte) bool { return classes[c] == classSpace }

// IsWord says whether a byte can be part of a word.
func IsWord(c byte) bool { return classes[c] == classWord || classes[c] == classDigit }

// InVersion says whether the lexer is inside of a version comment.
func (l *Lexer) InVersion() bool { return l.version }

// Next returns the next token and moves behind it.
func (l *Lexer) Next() Token {
	for l.Pos < len(l.Text) && classes[l.Text[l.Pos]] == classSpace {
		l.Pos++
	}
	start := l.Pos
	if start == len(l.Text) {
		return Token{End, start, start}
	}
	read := l.mark
	if IsWord(l.Text[start]) {
		read = l.word
	}
	return Token{read(), start, l.Pos}
}

// word reads a run of letters and digits; a word may begin with digits.
func (l *Lexer) word() Kind {
	kind := Number
	for l.Pos < len(l.Text) && IsWord(l.Text[l.Pos]) {
		if classes[l.Text[l.Pos]] == classWord {
			kind = Word
		}
		l.Pos++
	}
	return kind
}

// mark reads what another byte begins.
func (l *Lexer) mark() Kind {
	rest := l.Text[l.Pos:]
	switch c := rest[0]; {
	case c == '`':
		l.skipPast("`") // a doubled one reads as the end of one and the start of the next
		l.joinNames()
		return Name
	case c == '\'' || c == '"':
		l.quoted(c)
		if c == '"' {
			return Double
		}
		return String
	case c == '#', lineComment(rest):
		l.skipLine()
		return Comment
	case strings.HasPrefix(rest, "/*"):
		return l.comment(rest)
	case l.version && strings.HasPrefix(rest, "*/"):
		l.Pos += 2
		l.version = false
		return VersionClose
	}
	l.Pos++
	return Mark
}

// lineComment says whether -- begins a comment: only with white space or a
// control character behind it, so that 1--1 is arithmetic.
func lineComment(rest string) bool {
	return strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' ')
}

// joinNames goes on over doubled backquotes.
func (l *Lexer) joinNames() {
	for l.Pos < len(l.Text) && l.Text[l.Pos] == '`' {
		l.skipPast("`")
	}
}

// skipPast moves from the opening byte behind the next end, or to the text's end.
func (l *Lexer) skipPast(end string) {
	from := min(l.Pos+1, len(l.Text))
	if i := strings.Index(l.Text[from:], end); i >= 0 {
		l.Pos = from + i + len(end)
		return
	}
	l.Pos = len(l.Text)
}

// quoted skips '…' or "…" with escapes; a doubled quote goes on.
func (l *Lexer) quoted(quote byte) {
	for l.Pos++; l.Pos < len(l.Text); l.Pos++ {
		switch l.Text[l.Pos] {
		case '\\':
			l.Pos++
		case quote:
			if l.Pos+1 == len(l.Text) || l.Text[l.Pos+1] != quote {
				l.Pos++
				return
			}
			l.Pos++
		}
	}
	l.Pos = len(l.Text)
}

// skipLine stops before the line end.
func (l *Lexer) skipLine() {
	if i := strings.IndexByte(l.Text[l.Pos:], '\n'); i >= 0 {
		l.Pos += i
		return
	}
	l.Pos = len(l.Text)
}

// comment reads /* … */, or only the beginning of a version comment.
func (l *Lexer) comment(rest string) Kind {
	head := 0
	switch {
	case strings.HasPrefix(rest, "/*!"):
		head = 3
	case strings.HasPrefix(rest, "/*M!"):
		head = 4
	}
	if head == 0 || l.version {
		l.Pos++ // so that /*/ does not end itself
		l.skipPast("*/")
		return Comment
	}
	l.Pos += head
	for digits := 0; digits < 6 && l.Pos < len(l.Text) && classes[l.Text[l.Pos]] == classDigit; digits++ {
		l.Pos++
	}
	l.version = true
	return VersionOpen
}

// Unquote returns a name as the server stores it: without the quotes around a
// Name, Double or String token, doubled ones made single.
func Unquote(text string) string {
	if len(text) < 2 || (text[0] != '`' && text[0] != '"' && text[0] != '\'') || text[len(text)-1] != text[0] {
		return text
	}
	quote := text[:1]
	return strings.ReplaceAll(text[1:len(text)-1], quote+quote, quote)
}
