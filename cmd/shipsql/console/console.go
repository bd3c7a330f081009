// Package console writes the operator's reports for a person: lines and columns,
// without what a terminal would obey in the words of others.
package console

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Terminal is where text goes.
type Terminal struct {
	Out   io.Writer
	Color bool
	Now   time.Time // ages are told from here
}

// Line prints one.
func (t Terminal) Line(format string, args ...any) { fmt.Fprintf(t.Out, format+"\n", args...) }

// Table prints rows in columns; the last column is as long as it wants.
func (t Terminal) Table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)+2))
			}
		}
		t.Line("%s", strings.TrimRight(b.String(), " "))
	}
}

// width counts characters, colours not among them.
func width(cell string) int {
	n := utf8.RuneCountInString(cell)
	for rest := cell; ; {
		at := strings.IndexByte(rest, '\x1b')
		if at < 0 {
			return n
		}
		length := strings.IndexByte(rest[at:], 'm') + 1
		n -= length
		rest = rest[at+length:]
	}
}

// Plain takes out of foreign text what a terminal would obey: control
// characters, and those that turn the direction of writing.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}

// Clipped is plain text of at most so many characters.
func Clipped(text string, most int) string {
	text = Plain(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// Age is how long ago something was, in the largest unit that fits.
func (t Terminal) Age(at time.Time) string {
	switch d := max(t.Now.Sub(at), 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// Stamp is a time for people.
func Stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// Count is a number of things.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
