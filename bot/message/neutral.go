package message

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shipsql/shipsql/internal/secret"
)

// Longest untrusted values, in characters; a longer one ends with an ellipsis.
const (
	maxText = 1000
	maxCode = 250
)

// zeroWidth breaks a mention, reference or link without showing. An HTML entity
// would not do: forges look for mentions in the rendered text.
const zeroWidth = "\u200b"

// printable makes others' text valid UTF-8 without secrets, control characters
// and characters that turn the reading direction; line ends become "\n".
func printable(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\ufffd"))
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
	return secret.Redact(s)
}

// escaper makes Markdown and HTML marks plain.
var escaper = strings.NewReplacer(
	"\\", `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", `\$`,
	"{", `\{`, "}", `\}`, "&", "&amp;", "<", "&lt;", ">", "&gt;",
)

// references find what forges make links and mentions of: @team, #123, !7,
// ~label; GH-123; http:// and www. The zero-width space goes between the groups.
var references = []*regexp.Regexp{
	regexp.MustCompile(`([@#!$%~^&])([\pL\pN"'_])`),
	regexp.MustCompile(`(?i)(gh-)([0-9])`),
	regexp.MustCompile(`(?i)(:)(/)`),
	regexp.MustCompile(`(?i)(www\.)([\pL\pN])`),
}

// lineMark finds what starts a list, a heading or a quick action.
var lineMark = regexp.MustCompile(`^(?:[-+=/#]|[0-9]+[.)])`)

// Text is others' prose on one line: whatever it holds shows as it was written
// and does nothing.
func Text(s string) string {
	s = oneLine(s, maxText)
	return escaper.Replace(lineMark.ReplaceAllString(separated(s), zeroWidth+"$0"))
}

// oneLine is at most limit characters of s on one line. What lies far behind
// the limit isn't even looked at: texts may be megabytes.
func oneLine(s string, limit int) string {
	s = s[:wholeRunes(s, 16*limit)]
	return shorten(strings.Join(strings.Fields(printable(s)), " "), limit)
}

// separated breaks every reference in a line.
func separated(s string) string {
	for _, r := range references {
		s = r.ReplaceAllString(s, "${1}"+zeroWidth+"${2}")
	}
	return s
}

// Code is others' text as a code span, "" for an empty one.
func Code(s string) string {
	s = oneLine(s, maxCode)
	if s == "" {
		return ""
	}
	marks := strings.Repeat("`", longestRun(s, '`')+1)
	if len(marks) > 1 || strings.HasPrefix(s, "`") {
		s = " " + s + " "
	}
	return marks + defused(s) + marks
}

// TableCode is Code for a table, where a bar ends the cell even in code.
func TableCode(s string) string { return strings.ReplaceAll(Code(s), "|", `\|`) }

// Fence is others' text as a block of code.
func Fence(language, s string) string {
	s = defused(strings.Trim(printable(s), "\n"))
	marks := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return marks + language + "\n" + s + "\n" + marks
}

// Excerpt is a Fence of at most limit bytes of whole lines, and how many lines
// were left out. A single longer line is cut between characters.
func Excerpt(language, s string, limit int) (fence string, left int) {
	s = strings.Trim(s, "\r\n")
	if len(s) <= limit {
		return Fence(language, s), 0
	}
	cut := strings.LastIndexByte(s[:limit+1], '\n')
	if cut < 0 {
		cut = wholeRunes(s, limit)
	}
	return Fence(language, s[:cut]), max(1, strings.Count(s[cut:], "\n"))
}

var mentionable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)

// Mention notifies a person or an org/team. What can't be a name is shown as code.
func Mention(name string) string {
	if !mentionable.MatchString(name) {
		return Code(name)
	}
	return "@" + name
}

// defused breaks our own marker, by which the sticky comment is found.
func defused(s string) string {
	return strings.ReplaceAll(s, "<!-- shipsql", "<!"+zeroWidth+"-- shipsql")
}

func longestRun(s string, mark byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != mark {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// shorten keeps the first limit characters.
func shorten(s string, limit int) string {
	n := 0
	for i := range s {
		if n++; n > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// wholeRunes is the largest number of bytes up to limit that cuts no character.
func wholeRunes(s string, limit int) int {
	if limit >= len(s) {
		return len(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return limit
}
