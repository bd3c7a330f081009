package message_test

import (
	"html"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/internal/plural"
)

// fill puts the text into every string of the value, two elements in every list.
func fill(v reflect.Value, text func() string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text())
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	}
}

func filled[T any](text func() string) T {
	var data T
	fill(reflect.ValueOf(&data).Elem(), text)
	return data
}

const ourLink = "https://shipsql.example.com/x"

// hostileMessages are all messages with every field the hostile text, but for
// what is ours alone: links, glyphs and words of states.
func hostileMessages(limit int, hostile func() string) map[string]string {
	f := message.Forge{Prefix: "/", Limit: limit}
	s := filled[message.Sticky](hostile)
	s.Glyph, s.Link = "❌", ourLink
	for i := range s.Projects {
		ours(s.Projects[i])
	}
	n := filled[message.Notice](hostile)
	n.Link = ourLink
	c := filled[message.Check](hostile)
	c.Link = ourLink
	st := filled[message.Status](hostile)
	for i := range st.Projects {
		ours(st.Projects[i])
	}
	suggestion, _ := message.RenderSuggestion(filled[message.Finding](hostile))
	return map[string]string{
		"sticky": message.RenderSticky(f, s), "awaiting": message.RenderAwaiting(f, n), "failed": message.RenderFailed(f, n),
		"finished": message.RenderFinished(f, n), "check": message.RenderCheck(f, c), "status": message.RenderStatus(f, st),
		"refused":    message.RenderRefused(f, filled[message.Reply](hostile)),
		"accepted":   message.RenderAccepted(f, filled[message.Reply](hostile)),
		"unknown":    message.RenderUnknown(f, filled[message.Reply](hostile)),
		"help":       message.RenderHelp(f, filled[message.Help](hostile)),
		"suggestion": suggestion,
	}
}

func ours(p message.Project) {
	for i := range p.Running {
		p.Running[i].Glyph, p.Running[i].Word = "🔄", "running"
	}
	for i, stages := 0, p.Stages; i < len(stages); i++ {
		stages[i].Glyph, stages[i].Word, stages[i].Log, stages[i].Took = "❌", "failed", ourLink, "1 s"
		for j := range stages[i].Databases {
			stages[i].Databases[j].Glyph, stages[i].Databases[j].Word = "❌", "failed"
		}
	}
}

var allowedHTML = regexp.MustCompile(`^(?:</?(?:details|summary|sub)>|<!-- shipsql:v1 kind=main pr=\d+ -->|\s)*$`)

// active finds what a forge would act on in rendered text.
var active = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])@[a-z0-9]|#\d|\bgh-\d|https?://|\bwww\.[a-z]`)

// escapes lists what of the Markdown does something that only we may do.
func escapes(markdown string) (found []string) {
	source := []byte(strings.ReplaceAll(markdown, " of #2: ", " of 2: ")) // our own reference
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			return ast.WalkSkipChildren, nil
		case *ast.CodeBlock, *ast.Image, *ast.AutoLink:
			found = append(found, n.Kind().String())
		case *ast.Link:
			if string(n.Destination) != ourLink {
				found = append(found, "link to "+string(n.Destination))
			}
		case *ast.RawHTML:
			found = append(found, foreignHTML(n.Segments, source)...)
		case *ast.HTMLBlock:
			found = append(found, foreignHTML(n.Lines(), source)...)
		case *ast.Text:
			if s := string(n.Segment.Value(source)); active.MatchString(s) {
				found = append(found, "reference in "+s)
			}
		}
		return ast.WalkContinue, nil
	})
	return found
}

// summaryLine is our one line of HTML with others' text inside.
var summaryLine = regexp.MustCompile(`^<details><summary>([^<>]*)</summary>\n?$`)

func foreignHTML(lines *text.Segments, source []byte) (found []string) {
	for i := range lines.Len() {
		segment := lines.At(i)
		line := string(segment.Value(source))
		if m := summaryLine.FindStringSubmatch(line); m != nil && !active.MatchString(html.UnescapeString(m[1])) {
			continue
		}
		if !allowedHTML.MatchString(line) {
			found = append(found, "HTML "+line)
		}
	}
	return found
}

var attacks = []string{
	"@acme/dba please", "fixes #1 and GH-2 in acme/orders#3", "</details><script>alert(1)</script>", "<!-- shipsql:v1 kind=main pr=1 -->",
	"```\n/approve prod\n```", "````` @team", "``", "`", "\\`@team`", "[x](https://evil.example)", "![x](https://evil.example/p.png)",
	"<img src=x onerror=alert(1)>", "https://evil.example www.evil.example", "| a | b |\n|---|---|\n| @team | x |", "# heading\n\n- item\n> quote @team",
	"/approve prod\n/label x", "~~~\n@team", "    indented @team", "a\r\n\r\n<b>b</b>", "\u202eright to left @team", "x\x00y\x1b[31m@team", "$\\href{javascript:alert(1)}{x}$",
	"&#64;team &lt;b&gt;", "*/ -- @team */", "[^1]: @team", "line one\\\n@team", "", " ", "👩‍👩‍👧 @team", "<details>", "</summary>@team", "`` ` ``@team", "1. x\n2. @team", "=", "---",
	"postgres://u:hunter22@h/db", "a`\n@team\n`b",
}

func TestHostileTextStaysText(t *testing.T) {
	for _, attack := range attacks {
		for name, got := range hostileMessages(65536, func() string { return attack }) {
			if found := escapes(got); len(found) > 0 {
				t.Errorf("%s with %q: %q", name, attack, found)
			}
			if strings.Contains(got, "hunter22") {
				t.Errorf("%s shows a password", name)
			}
		}
	}
}

func TestAnythingStaysText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.OneOf(rapid.SampledFrom(attacks), rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("`\n @#<>/~|\\[]()!-_*a1")), 0, 30, -1))
		hostile := func() string { return draw.Draw(t, "text") + draw.Draw(t, "more") }
		for name, got := range hostileMessages(65536, hostile) {
			if name == "awaiting" {
				continue // mentions its approvers
			}
			if found := escapes(got); len(found) > 0 {
				t.Fatalf("%s: %q", name, found)
			}
			checkLines(t, name, got)
		}
	})
}

type fataler interface{ Fatalf(string, ...any) }

// checkLines fails on a line that starts with a slash outside a fence, which
// some forges would run with our rights.
func checkLines(t fataler, name, got string) {
	fence := ""
	for line := range strings.Lines(got) {
		line = strings.TrimRight(line, "\n")
		marks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(marks) >= 3 && !strings.Contains(line[len(marks):], "`"):
			fence = marks
		case fence != "" && line == fence:
			fence = ""
		case fence == "" && strings.HasPrefix(line, "/"):
			t.Fatalf("%s: a line starts with a slash: %q", name, line)
		}
	}
	if fence != "" {
		t.Fatalf("%s: a fence stays open:\n%s", name, got)
	}
}

func TestALongMessageIsCutBetweenItems(t *testing.T) {
	sql := strings.Repeat("SELECT '@team ```` </details> <!-- 👩‍👩‍👧' -- émoji\n", 200_000/50)
	for _, limit := range []int{65536, 32768} {
		for name, got := range hostileMessages(limit, func() string { return sql }) {
			if name == "suggestion" {
				continue // too long ones are not posted; below
			}
			if len(got) > limit {
				t.Errorf("%s: %d bytes, the limit is %d", name, len(got), limit)
			}
			if !utf8.ValidString(got) {
				t.Errorf("%s: a character is cut", name)
			}
			if found := escapes(got); len(found) > 0 {
				t.Errorf("%s: %q", name, found)
			}
			if open, closed := strings.Count(got, "\n<details>"), strings.Count(got, "\n</details>"); open != closed {
				t.Errorf("%s: %d details opened, %d closed", name, open, closed)
			}
			checkLines(t, name, got)
		}
	}
}

func TestAFixIsOfferedWholeOrNotAtAll(t *testing.T) {
	f := blocking
	if _, ok := message.RenderSuggestion(f); !ok {
		t.Error("a short fix is not offered")
	}
	f.Suggestion = strings.Repeat("SELECT 1;\n", 10_000)
	if _, ok := message.RenderSuggestion(f); ok {
		t.Error("a fix is offered that could not be shown whole")
	}
	f.Suggestion = ""
	if _, ok := message.RenderSuggestion(f); ok {
		t.Error("a finding without a fix offers one")
	}
}

func TestAMessageThatCantBeCutSaysSo(t *testing.T) {
	s := sticky(func(s *message.Sticky) { s.Headline, s.Projects = "blocked", make([]message.Project, 200) })
	for i := range s.Projects {
		s.Projects[i].Release = strings.Repeat("long ", 200)
	}
	got := message.RenderSticky(github, s)
	if len(got) > github.Limit || !strings.Contains(got, "blocked") || !strings.Contains(got, "more than a comment can hold") {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}

func TestWhatIsCutIsCountedLeastImportantFirst(t *testing.T) {
	s := sticky(func(s *message.Sticky) {
		p := message.Project{}
		for range 500 {
			p.Blocking, p.Remarks, p.Files = append(p.Blocking, blocking), append(p.Remarks, remark), append(p.Files, file)
		}
		s.Projects = []message.Project{p}
	})
	got := message.RenderSticky(github, s)
	if len(got) > github.Limit || len(got) < github.Limit-2000 {
		t.Errorf("%d bytes of %d", len(got), github.Limit)
	}
	shown := strings.Count(got, blocking.Suggestion)
	for _, want := range []string{
		"500 more files → [web page](" + s.Link + ")", "500 more remarks → ", plural.Count(500-shown, "more blocking finding") + " → ", "updated 2026-03-01",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if shown < 50 {
		t.Errorf("only %d blocking findings are shown", shown)
	}
}

func TestExcerptKeepsWholeLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching("[a-zé`👩]{0,20}"), 1, 30).Draw(t, "lines")
		limit := rapid.IntRange(1, 300).Draw(t, "limit")
		sql := strings.Join(lines, "\n")
		got, left := message.Excerpt("sql", sql, limit)
		if !utf8.ValidString(got) {
			t.Fatalf("a character is cut: %q", got)
		}
		if left == 0 && got != message.Fence("sql", sql) {
			t.Fatalf("nothing is left out of %q and yet it is %q", sql, got)
		}
		checkLines(t, "excerpt", got)
	})
}

func FuzzText(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{message.Text(s), "| a |\n|---|\n| " + message.TableCode(s) + message.Text(s) + " |\n", message.Fence("sql", s)} {
			if found := escapes(got); len(found) > 0 {
				t.Errorf("%q yields %q: %q", s, got, found)
			}
		}
	})
}
