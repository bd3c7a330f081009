package command

import (
	"regexp"
	"strings"
)

// visibleLines are the lines of a comment that its readers see as ordinary
// text, with everything hidden or quoted left out.
func visibleLines(body string) []string {
	var r reader
	var lines []string
	for line := range strings.Lines(normaliseBreaks(body)) {
		if text, ok := r.read(strings.TrimRight(line, "\n")); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

func normaliseBreaks(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
}

// reader walks a comment line by line and remembers what it is inside of.
type reader struct {
	fence   fence  // open code fence, zero when none
	element string // open HTML element whose text is not the author's own, "" when none
	comment bool   // inside an HTML comment
	quote   bool   // the last line was a quote or its lazy continuation
}

// read returns the line's visible text, and false when the line can't hold a command.
func (r *reader) read(line string) (string, bool) {
	if r.fence.mark != 0 {
		if r.fence.closedBy(line) {
			r.fence = fence{}
		}
		return "", false
	}
	if r.element != "" {
		r.closeElement(line)
		return "", false
	}
	return r.readText(line)
}

func (r *reader) readText(line string) (string, bool) {
	wasComment := r.comment
	line = r.stripComments(line)
	if wasComment && strings.TrimSpace(line) == "" {
		return "", false
	}
	if r.quoted(line) || r.openFence(line) || r.openElement(line) || r.quote {
		return "", false
	}
	return line, !wasComment && !indented(line) && strings.TrimSpace(line) != ""
}

var quoteMark = regexp.MustCompile(`^\s*(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)*>`)

// quoted says whether the line has a quote's mark. The quote goes on over lines
// without one until a blank line, as Markdown renders it; only a fence or an
// element may open there.
func (r *reader) quoted(line string) bool {
	marked := quoteMark.MatchString(line)
	r.quote = marked || r.quote && strings.TrimSpace(line) != ""
	return marked
}

// fence is an open code fence: its character, length and indentation.
type fence struct {
	mark           byte
	length, indent int
}

// A fence may stand in a list item; its indentation is taken as it is, because a
// fence that is seen where none is hides commands and never makes one.
var fenceOpening = regexp.MustCompile("^(\\s*(?:(?:[-*+]|[0-9]{1,9}[.)])\\s+)*)(`{3,}|~{3,})(.*)$")

func (r *reader) openFence(line string) bool {
	m := fenceOpening.FindStringSubmatch(line)
	if m == nil || m[2][0] == '`' && strings.Contains(m[3], "`") {
		return false
	}
	r.fence = fence{mark: m[2][0], length: len(m[2]), indent: width(m[1])}
	return true
}

// closedBy says whether the line ends the fence: the same character, at least as
// often, nothing after it, and indented less than four further.
func (f fence) closedBy(line string) bool {
	text := strings.TrimLeft(line, " \t")
	run := len(text) - len(strings.TrimLeft(text, string(f.mark)))
	return run >= f.length && strings.TrimSpace(text[run:]) == "" &&
		width(line[:len(line)-len(text)]) <= f.indent+3
}

// width is how many columns a prefix takes, with tabs as four.
func width(prefix string) int { return len(prefix) + 3*strings.Count(prefix, "\t") }

// indented says whether Markdown shows the line as code.
func indented(line string) bool {
	text := strings.TrimLeft(line, " \t")
	return width(line[:len(line)-len(text)]) >= 4
}

var elementOpening = regexp.MustCompile(`(?i)<(pre|blockquote|script|style|textarea)\b`)

func (r *reader) openElement(line string) bool {
	line = withoutCode(line)
	m := elementOpening.FindStringSubmatchIndex(line)
	if m == nil {
		return false
	}
	r.element = strings.ToLower(line[m[2]:m[3]])
	r.closeElement(line[m[1]:])
	return true
}

func (r *reader) closeElement(line string) {
	if strings.Contains(strings.ToLower(line), "</"+r.element) {
		r.element = ""
	}
}
