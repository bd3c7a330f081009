package message

import (
	"bytes"
	"embed"
	"fmt"
	"html"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/shipsql/shipsql/internal/plural"
)

//go:embed templates/*.md
var files embed.FS

// templates are parsed at first use: most commands write no message.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"text": Text, "code": Code, "tcode": TableCode, "fence": Fence, "mention": Mention,
		"html": inHTML, "plain": plain, "excerpt": excerpt, "words": words, "severity": severity, "sha": sha, "clock": clock, "count": plural.Count,
		"bar": bar,
	}).ParseFS(files, "templates/*.md"))
})

// render fills a template. The templates and their data are both ours and tried
// by the gallery, so a failure is shown in the text instead of being returned.
func render(name string, data any) string {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, data); err != nil {
		return fmt.Sprintf("(this text could not be written: %s)", Text(err.Error()))
	}
	return out.String()
}

// inHTML is others' text inside an HTML element, where Markdown's escapes and
// code spans don't hold everywhere.
func inHTML(s string) string {
	return html.EscapeString(separated(oneLine(s, maxCode)))
}

// plain is others' text where no Markdown is rendered.
func plain(s string) string {
	return shorten(strings.TrimSpace(printable(s[:wholeRunes(s, 16*maxText)])), maxText)
}

// excerptLimit bounds one file's SQL in a comment, in bytes.
const excerptLimit = 8 << 10

func excerpt(sql string) string {
	fence, left := Excerpt("sql", sql, excerptLimit)
	if left > 0 {
		fence += fmt.Sprintf("\n\n%s more → see the file", plural.Count(left, "line"))
	}
	return fence
}

// wordsLimit bounds what a database says, in bytes: it may repeat a whole value.
const wordsLimit = 2 << 10

func words(said string) string {
	fence, left := Excerpt("text", said, wordsLimit)
	if left > 0 {
		fence += "\n\nThe database said more than that."
	}
	return fence
}

// Severity words with their glyphs; never a glyph alone.
func severity(s string) string {
	switch s {
	case "error":
		return "❌ error"
	case "warning":
		return "⚠️ warning"
	}
	return "ℹ️ notice"
}

// bar shows how much is done, in the way of the number that stands beside it; ""
// when it isn't known.
func bar(percent int) string {
	const cells = 10
	full := percent * cells / 100
	if percent < 0 || full > cells {
		return ""
	}
	return fmt.Sprintf("%s%s %d %%", strings.Repeat("🟦", full), strings.Repeat("⬜", cells-full), percent)
}

func sha(s string) string { return shorten(s, 7)[:min(len(s), 7)] }

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Took is a duration as people say it.
func Took(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
