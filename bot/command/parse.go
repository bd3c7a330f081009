package command

import (
	"fmt"
	"strings"
)

// Parse reads a comment and returns the lines that are meant for ShipSQL, in
// their order. It never fails and takes time linear in the body's length.
func (g Grammar) Parse(body string) []Line {
	var lines []Line
	for _, text := range visibleLines(body) {
		line, ok := g.line(clean(text))
		if !ok {
			continue
		}
		if len(lines) == MaxLines {
			return append(lines, tooMany(line.Text))
		}
		lines = append(lines, line)
	}
	return lines
}

// maxLength bounds one command, in bytes: reading it takes more than linear time.
const maxLength = 4096

func tooMany(text string) Line {
	return Line{Text: text, Problem: &Problem{
		Message: fmt.Sprintf("a comment may hold %d commands; this one and those after it were not read", MaxLines),
	}}
}

// line reads one visible line; false when it isn't for us.
func (g Grammar) line(text string) (Line, bool) {
	rest, addressed := g.address(text)
	if !addressed {
		if rest = strings.TrimPrefix(text, "/"); !g.Bare || rest == text {
			return Line{}, false
		}
	}
	if len(text) > maxLength {
		return Line{Text: shorten(text), Problem: &Problem{Message: "the command is too long"}}, addressed
	}
	cmd, problem := g.command(rest)
	if problem != nil && !addressed && !g.ours(rest) {
		return Line{}, false
	}
	return Line{Text: text, Command: cmd, Problem: problem}, true
}

// address cuts the prefix or the mention off a line.
func (g Grammar) address(text string) (rest string, ok bool) {
	if rest, ok := cutWord(text, "/shipsql"); ok {
		return strings.TrimPrefix(rest, "/"), true
	}
	for _, login := range g.Mentions {
		if rest, ok := cutWord(text, "@"+login); ok {
			return strings.TrimPrefix(rest, "/"), true
		}
	}
	return "", false
}

// cutWord cuts word, in any case, off the start of text when nothing but space
// or a comma or colon follows it.
func cutWord(text, word string) (rest string, ok bool) {
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
		return "", false
	}
	rest = text[len(word):]
	trimmed := strings.TrimLeft(rest, ",:")
	if trimmed != "" && !startsWithSpace(trimmed) {
		return "", false
	}
	return strings.TrimSpace(trimmed), true
}

// ours says whether a bare line that isn't a whole command is still plainly
// meant for us: our word, and one of our environments, or nearly.
func (g Grammar) ours(rest string) bool {
	words, ok := split(rest)
	if !ok {
		words = nil
		for w := range strings.FieldsSeq(rest) {
			words = append(words, word{text: w})
		}
	}
	if len(words) == 0 || find(words[0].text) == nil {
		return false
	}
	for _, w := range words[1:] {
		if !w.quoted && nearest(w.text, g.Environments) != "" {
			return true
		}
	}
	return false
}

// command reads what follows the address.
func (g Grammar) command(rest string) (*Command, *Problem) {
	if rest == "" {
		return &Command{Name: Help}, nil
	}
	first, _, _ := strings.Cut(strings.Join(strings.Fields(rest), " "), " ")
	s := find(first)
	if s == nil {
		return nil, unknown(rest)
	}
	words, ok := split(rest)
	if !ok {
		return nil, &Problem{Message: "the closing quote is missing", Usage: s.usage}
	}
	words, release := cutRelease(words[1:])
	cmd := &Command{Name: s.name, Release: release}
	if message := s.read(g, cmd, &args{words: words}); message != "" {
		return nil, &Problem{Message: message, Usage: s.usage, Suggestion: g.corrected(s, words)}
	}
	return cmd, nil
}

// unknown is a line whose first word is no command; the suggestion replaces it.
func unknown(rest string) *Problem {
	names := make([]string, 0, len(syntaxes))
	for _, n := range Names() {
		names = append(names, string(n))
	}
	first := strings.Fields(rest)[0]
	problem := &Problem{Message: fmt.Sprintf("%q is not a command", shorten(first))}
	if near := nearest(first, names); near != "" {
		problem.Suggestion = near + strings.TrimPrefix(rest, first)
	}
	return problem
}

// corrected is the command with its misspelt environments and flags put right,
// or "" when that doesn't make it whole.
func (g Grammar) corrected(s *syntax, words []word) string {
	fixed := make([]word, len(words))
	for i, w := range words {
		fixed[i] = g.correct(w)
	}
	if s.read(g, &Command{}, &args{words: fixed}) != "" {
		return ""
	}
	text := string(s.name)
	for _, w := range fixed {
		if w.quoted {
			w.text = `"` + w.text + `"`
		}
		text += " " + w.text
	}
	return text
}

func (g Grammar) correct(w word) word {
	if w.quoted {
		return w
	}
	if isFlag(w.text) {
		if near := nearest(flag(w.text), []string{flagWithEarlier, flagDespiteFindings}); near != "" {
			return word{text: near}
		}
		return w
	}
	if near := nearest(w.text, g.Environments); near != "" {
		return word{text: near}
	}
	return w
}

// shorten keeps a stranger's word from filling our answer.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
