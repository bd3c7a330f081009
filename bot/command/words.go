package command

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a command line. Quoted words are never flags.
type word struct {
	text   string
	quoted bool
}

// closing maps an opening quote to the one that ends it. Keyboards of phones
// turn straight quotes into curly ones.
var closing = map[rune]string{'"': `"”“`, '“': `”"“`, '„': `“”"`, '«': "»", '\'': `'’`, '‘': `’'`}

// split cuts a line into words. Single quotes without an end are apostrophes;
// double ones without an end are reported by false.
func split(line string) (words []word, ok bool) {
	rest := strings.TrimSpace(line)
	for rest != "" {
		w, after, ok := next(rest)
		if !ok {
			return nil, false
		}
		words = append(words, w)
		rest = strings.TrimSpace(after)
	}
	return words, true
}

// next cuts the first word off. A quote ends at the first closing mark that is
// followed by space or the end of the line.
func next(s string) (w word, rest string, ok bool) {
	first, _ := utf8.DecodeRuneInString(s)
	if ends, quote := closing[first]; quote {
		open := len(string(first))
		if end, size := closingAt(s[open:], ends); end >= 0 {
			return word{text: strings.TrimSpace(s[open : open+end]), quoted: true}, s[open+end+size:], true
		}
		if first != '\'' && first != '‘' {
			return word{}, "", false
		}
	}
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		end = len(s)
	}
	if name, reason, found := strings.Cut(s[:end], "="); found && isFlag(name) && reason != "" {
		return word{text: name}, s[len(name)+1:], true
	}
	return word{text: s[:end]}, s[end:], true
}

// closingAt finds the closing mark of a quote: its place and size in bytes, or -1.
func closingAt(s, ends string) (at, size int) {
	for i, r := range s {
		if !strings.ContainsRune(ends, r) {
			continue
		}
		after := s[i+len(string(r)):]
		if after == "" || startsWithSpace(after) {
			return i, len(string(r))
		}
	}
	return -1, 0
}

func startsWithSpace(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(first)
}

// clean drops what keyboards, mail programs and copying add and nobody sees:
// zero-width and control characters.
func clean(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar) {
			return -1
		}
		return r
	}, line))
}

const dashes = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d"

// isFlag says whether a word is written as a flag, with any dash that keyboards
// make of "--".
func isFlag(s string) bool {
	name := strings.TrimLeft(s, dashes)
	first, _ := utf8.DecodeRuneInString(name)
	return name != s && unicode.IsLetter(first)
}

// flag is a word in the form "--name", with every dash made plain.
func flag(s string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(dashes, r) {
			return '-'
		}
		return r
	}, strings.TrimLeft(s, dashes))
	return "--" + strings.ToLower(name)
}
