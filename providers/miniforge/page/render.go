package page

import (
	"embed"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

//go:embed assets
var assets embed.FS

// Assets holds the pages' style sheet and script.
func Assets() fs.FS {
	sub, err := fs.Sub(assets, "assets")
	if err != nil { // the folder is embedded above
		return assets
	}
	return sub
}

// templates are parsed at first use: only the demo shows pages.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"markdown": Markdown,
		"code":     code,
		"clock":    func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"short":    func(sha string) string { return sha[:min(len(sha), 7)] },
		"words":    func(s string) string { return strings.ReplaceAll(s, "_", " ") },
		"icon":     icon,
		"join":     func(list []string) string { return strings.Join(list, ", ") },
		"of":       func(p Pull, v any) map[string]any { return map[string]any{"Pull": p, "It": v} },
	}).ParseFS(assets, "assets/*.html"))
})

// WriteIndex renders the list of pull requests.
func WriteIndex(w io.Writer, view Index) error {
	return templates().ExecuteTemplate(w, "index.html", view)
}

// WritePull renders a pull request.
func WritePull(w io.Writer, view Pull) error {
	return templates().ExecuteTemplate(w, "pull.html", view)
}

// icons are the signs of states; a word always stands beside them.
var icons = map[string]string{
	"success": "✓", "failure": "✗", "neutral": "■", "skipped": "»", "cancelled": "⊘", "timed_out": "✗",
	"action_required": "!", "queued": "○", "in_progress": "●", "error": "✗", "inactive": "■", "pending": "○",
	"warning": "!", "notice": "i",
}

func icon(state string) string {
	if sign, ok := icons[state]; ok {
		return sign
	}
	return "○"
}

// code is a line of a file, coloured by the file's name.
func code(name, text string) template.HTML {
	if path.Ext(name) == ".sql" {
		return template.HTML(highlightSQL(text)) //nolint:gosec // highlightSQL escapes
	}
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

// Avatar is a picture of an account as SVG: its first letter on a colour of its own.
func Avatar(login string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(login))
	letter, _ := utf8.DecodeRuneInString(strings.ToUpper(login))
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">`+
		`<rect width="40" height="40" rx="20" fill="hsl(%d 45%% 42%%)"/>`+
		`<text x="20" y="27" font-family="sans-serif" font-size="20" font-weight="600" fill="#fff" text-anchor="middle">%s</text></svg>`,
		h.Sum32()%360, template.HTMLEscapeString(string(letter)))
}
