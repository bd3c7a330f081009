package page

import (
	"bytes"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// markdown is GitHub's flavour as comments use it: every line break counts and
// HTML is allowed (and sanitised afterwards).
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithRendererOptions(
			html.WithHardWraps(), html.WithUnsafe(),
			renderer.WithNodeRenderers(util.Prioritized(codeBlocks{}, 10)),
		),
	)
})

// Markdown renders a comment; the result is safe to show.
func Markdown(text string) template.HTML {
	var b bytes.Buffer
	if err := markdown().Convert([]byte(text), &b); err != nil {
		return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
	}
	return template.HTML(alerts(sanitize(b.String()))) //nolint:gosec // sanitised
}

var alert = regexp.MustCompile(`<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\](<br/>)?`)

// alerts dresses up GitHub's "> [!WARNING]" quotes.
func alerts(safe string) string {
	return alert.ReplaceAllStringFunc(safe, func(s string) string {
		kind := strings.ToLower(alert.FindStringSubmatch(s)[1])
		return `<blockquote class="alert alert-` + kind + `"><p><strong>` + strings.ToUpper(kind[:1]) + kind[1:] + `</strong><br/>`
	})
}

// codeBlocks colours fenced SQL and diffs.
type codeBlocks struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (codeBlocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, renderCode)
}

func renderCode(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	block, isFence := node.(*ast.FencedCodeBlock)
	if !entering || !isFence {
		return ast.WalkContinue, nil
	}
	var text strings.Builder
	for i := range block.Lines().Len() {
		line := block.Lines().At(i)
		text.Write(line.Value(source))
	}
	_, err := w.WriteString("<pre><code>" + colour(string(block.Language(source)), text.String()) + "</code></pre>\n")
	return ast.WalkSkipChildren, err
}

func colour(language, text string) string {
	switch strings.ToLower(language) {
	case "sql", "suggestion":
		return highlightSQL(text)
	case "diff":
		return highlightDiff(text)
	}
	return template.HTMLEscapeString(text)
}

var suggestionFence = regexp.MustCompile("^(`{3,})suggestion\\s*$")

// Suggestions cuts the first suggestion fence out of a review comment: the text
// without it, and its lines (nil when there is none, empty for a deletion).
func Suggestions(body string) (text string, suggested []string) {
	lines := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	for from, line := range lines {
		fence := suggestionFence.FindStringSubmatch(line)
		if fence == nil {
			continue
		}
		for to := from + 1; to < len(lines); to++ {
			end := strings.TrimSpace(lines[to])
			if strings.HasPrefix(end, fence[1]) && strings.Trim(end, "`") == "" {
				rest := slices.Concat(lines[:from], lines[to+1:])
				return strings.TrimSpace(strings.Join(rest, "\n")), slices.Clone(lines[from+1 : to : to])
			}
		}
	}
	return body, nil
}
