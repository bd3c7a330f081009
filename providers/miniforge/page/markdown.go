package page

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// markdown is GitHub's flavour as comments use it: every line break counts and
// HTML is allowed (and sanitised afterwards).
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM),
	goldmark.WithRendererOptions(
		html.WithHardWraps(), html.WithUnsafe(),
		renderer.WithNodeRenderers(util.Prioritized(codeBlocks{}, 10)),
	),
)

// Markdown renders a comment; the result is safe to show.
func Markdown(text string) template.HTML {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(text), &b); err != nil {
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

// Suggestions cuts the suggestion fences out of a review comment: the text
// without them, and the first one's lines (nil without any).
func Suggestions(body string) (text string, lines []string) {
	m := suggestion.FindStringSubmatch(body)
	if m == nil {
		return body, nil
	}
	text = strings.TrimSpace(strings.Replace(body, m[0], "", 1))
	content := strings.TrimSuffix(strings.ReplaceAll(m[2], "\r\n", "\n"), "\n")
	if content == "" {
		return text, []string{} // the suggestion is to delete the lines
	}
	return text, strings.Split(content, "\n")
}

var suggestion = regexp.MustCompile("(?ms)^(`{3,})suggestion[ \t]*\r?\n(.*?)^`{3,}[ \t]*\r?$")
