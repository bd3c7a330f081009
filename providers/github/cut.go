package github

import (
	"strings"
	"unicode/utf8"
)

const cutNote = "\n\n*… cut here: the rest is too long for GitHub.*\n"

// cutMarkdown shortens text to limit bytes at the end of a line, or else of a
// character, and closes the fences and <details> that are open there.
func cutMarkdown(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	// What closes the cut depends on where it is: go back by what is too much.
	for end := lineEnd(text, limit-len(cutNote)); ; {
		short := text[:end] + closing(text[:end]) + cutNote
		over := len(short) - limit
		if over <= 0 || end == 0 {
			return cutText(short, limit)
		}
		end = lineEnd(text, end-over)
	}
}

// lineEnd is the end of the last whole line within n bytes; a line that is
// longer than half of them is cut between characters instead.
func lineEnd(text string, n int) int {
	if n <= 0 {
		return 0
	}
	end := len(cutText(text, n))
	if at := strings.LastIndexByte(text[:end], '\n'); at >= end/2 {
		return at
	}
	return end
}

// closing ends what the Markdown leaves open: a code fence, then <details>.
func closing(text string) string {
	fence, details := "", 0
	for line := range strings.Lines(text) {
		run := fenceRun(line)
		switch {
		case fence == "" && run != "":
			fence = run
		case fence == "":
			details += strings.Count(line, "<details") - strings.Count(line, "</details>")
		case strings.HasPrefix(run, fence) && strings.TrimSpace(line) == run:
			fence = ""
		}
	}
	end := ""
	if fence != "" {
		end = "\n" + fence
	}
	return end + strings.Repeat("\n\n</details>", max(details, 0))
}

// fenceRun is the run of three or more ` or ~ that a line starts with, if any.
// https://spec.commonmark.org/0.31.2/#fenced-code-blocks
func fenceRun(line string) string {
	bare := strings.TrimLeft(line, " ")
	if len(line)-len(bare) > 3 || bare == "" || (bare[0] != '`' && bare[0] != '~') {
		return ""
	}
	run := bare[:len(bare)-len(strings.TrimLeft(bare, bare[:1]))]
	if len(run) < 3 || (run[0] == '`' && strings.Contains(bare[len(run):], "`")) {
		return ""
	}
	return run
}

// cutText shortens text to limit bytes between characters.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(limit, 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// cutRunes shortens text to limit characters.
func cutRunes(text string, limit int) string {
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}
