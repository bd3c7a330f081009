package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/shipsql/shipsql/providers/miniforge/page"
)

func TestMarkdownIsGitHubs(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"table":         {"| a | b |\n|---|---|\n| 1 | 2 |", "<td>1</td>"},
		"line break":    {"one\ntwo", "one<br/>"},
		"task":          {"- [x] done", `<input checked="" disabled="" type="checkbox"/> done`},
		"strikethrough": {"~~old~~", "<del>old</del>"},
		"details":       {"<details open><summary>More</summary>\n\n**bold**\n</details>", "<details open=\"\"><summary>More</summary>"},
		"sql":           {"```sql\nSELECT 'x' -- y\n```", `<span class="hl-keyword">SELECT</span> <span class="hl-string">&#39;x&#39;</span> <span class="hl-comment">-- y`},
		"diff":          {"```diff\n+a\n-b\n```", `<span class="hl-add">+a`},
		"other code":    {"```\n<b>\n```", "<code>&lt;b&gt;"},
		"alert":         {"> [!CAUTION]\n> Stop", `<blockquote class="alert alert-caution"><p><strong>Caution</strong><br/>`},
		"marker":        {"<!-- shipsql:v1 kind=main pr=42 -->\nHi", "<p>Hi</p>"},
		"link":          {"[a](https://example.com/?a=1&b=2)", `<a href="https://example.com/?a=1&amp;b=2">a</a>`},
	} {
		// html.Render writes quotes its own way; compare what is meant.
		got := strings.ReplaceAll(string(page.Markdown(tc.text)), "&#34;", "&quot;")
		if !strings.Contains(strings.ReplaceAll(got, `=""`, ""), strings.ReplaceAll(tc.want, `=""`, "")) {
			t.Errorf("%s: %s\nlacks %s", name, got, tc.want)
		}
	}
}

var hostile = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<a href="javascript:alert(1)">x</a>`,
	`[x](javascript:alert(1))`, `<a href=" jAvAsCrIpT:alert(1)">x</a>`, `<svg onload=alert(1)></svg>`, `<iframe src="//evil"></iframe>`,
	`<div style="position:fixed" class="state" id="x" onclick=a()>x</div>`, `</div></main></body>`, `<form action=/x><button>y</button></form>`,
	`<math><mi xlink:href="data:x,<script>alert(1)</script>">`, `<input type=text name=user>`, `<base href=//evil>`, `<meta http-equiv=refresh content=0>`,
	`<style>*{display:none}</style>`, "```\n</code></pre><script>alert(1)</script>\n```", `<img src="data:text/html,<script>">`, `<a href="data:text/html,x">x</a>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<table><td><script>x</script>`, `<object data=x></object><embed src=x>`,
}

// bad says what in a piece of HTML a page must not hold.
func bad(text string) string {
	known := []string{"href", "title", "open", "src", "alt", "width", "height", "type", "checked", "disabled", "start", "class", "align", "colspan"}
	depth := 0
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) && depth >= 0 {
				return ""
			}
			return "an unbalanced end"
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if slices.Contains([]string{"script", "style", "iframe", "form", "button", "svg", "object", "base", "meta", "main", "body"}, token.Data) {
				return token.String()
			}
			for _, a := range token.Attr {
				scheme, _, hasScheme := strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), ":")
				isLink := a.Key == "href" || a.Key == "src"
				if !slices.Contains(known, a.Key) || (isLink && hasScheme && !slices.Contains([]string{"http", "https", "mailto"}, scheme) && !strings.ContainsAny(scheme, "/?#")) {
					return token.String()
				}
			}
			depth++
		case html.EndTagToken:
			if depth--; depth < 0 {
				return "an end tag of nothing"
			}
		}
	}
}

func TestMarkdownIsHarmless(t *testing.T) {
	for _, text := range hostile {
		got := string(page.Markdown(text))
		if what := bad(got); what != "" {
			t.Errorf("%s\nbecomes %s\nwith %s", text, got, what)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		if what := bad(string(page.Markdown(text))); what != "" {
			t.Errorf("%q holds %s", text, what)
		}
	})
}

func TestSuggestions(t *testing.T) {
	for name, tc := range map[string]struct {
		body, text string
		lines      []string
	}{
		"none":      {"plain", "plain", nil},
		"one line":  {"Better:\n```suggestion\nSELECT 1;\n```\n", "Better:", []string{"SELECT 1;"}},
		"two lines": {"```suggestion\na\n\nb\n```", "", []string{"a", "", "b"}},
		"deletion":  {"```suggestion\n```", "", []string{}},
		"CRLF":      {"```suggestion\r\na\r\n```\r\n", "", []string{"a"}},
		"long":      {"````suggestion\n```\n````", "", []string{"```"}},
	} {
		text, lines := page.Suggestions(tc.body)
		if text != tc.text || !slices.Equal(lines, tc.lines) || (lines == nil) != (tc.lines == nil) {
			t.Errorf("%s: %q and %q, want %q and %q", name, text, lines, tc.text, tc.lines)
		}
	}
}

func TestAvatarIsAPicture(t *testing.T) {
	for _, login := range []string{"ann", "<svg>", "", "ü"} {
		if err := xml.Unmarshal([]byte(page.Avatar(login)), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%q: %v", login, err)
		}
	}
}
