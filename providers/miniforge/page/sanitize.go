package page

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// allowed are the elements a comment may be made of, and their attributes.
var allowed = map[atom.Atom][]string{
	atom.A: {"href", "title"}, atom.B: nil, atom.Blockquote: nil, atom.Br: nil, atom.Code: nil, atom.Dd: nil,
	atom.Del: nil, atom.Details: {"open"}, atom.Div: nil, atom.Dl: nil, atom.Dt: nil, atom.Em: nil, atom.H1: nil,
	atom.H2: nil, atom.H3: nil, atom.H4: nil, atom.H5: nil, atom.H6: nil, atom.Hr: nil, atom.I: nil,
	atom.Img: {"src", "alt", "title", "width", "height"}, atom.Input: {"type", "checked", "disabled"}, atom.Ins: nil,
	atom.Kbd: nil, atom.Li: nil, atom.Ol: {"start"}, atom.P: nil, atom.Pre: nil, atom.S: nil, atom.Samp: nil,
	atom.Span: {"class"}, atom.Strong: nil, atom.Sub: nil, atom.Summary: nil, atom.Sup: nil, atom.Table: nil,
	atom.Tbody: nil, atom.Td: {"align", "colspan"}, atom.Th: {"align", "colspan"}, atom.Thead: nil, atom.Tr: nil,
	atom.Ul: nil,
}

// swallowed are dropped with everything inside; other unknown elements only
// lose their tags.
var swallowed = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Iframe: true, atom.Object: true, atom.Embed: true, atom.Template: true,
	atom.Noscript: true, atom.Textarea: true, atom.Title: true, atom.Svg: true, atom.Math: true, atom.Select: true,
	atom.Button: true, atom.Form: true,
}

// sanitize parses HTML as a browser would and writes anew what is harmless, so
// the result is always balanced.
func sanitize(text string) string {
	context := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	nodes, err := html.ParseFragment(strings.NewReader(text), context)
	if err != nil {
		return html.EscapeString(text)
	}
	clean := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	for _, n := range nodes {
		copyClean(clean, n)
	}
	var b strings.Builder
	for n := clean.FirstChild; n != nil; n = n.NextSibling {
		if err := html.Render(&b, n); err != nil {
			return html.EscapeString(text)
		}
	}
	return b.String()
}

func copyClean(into, n *html.Node) {
	switch n.Type {
	case html.TextNode:
		into.AppendChild(&html.Node{Type: html.TextNode, Data: n.Data})
		return
	case html.ElementNode:
	default: // comments, doctypes
		return
	}
	if swallowed[n.DataAtom] || n.Namespace != "" {
		return
	}
	if attributes, ok := allowed[n.DataAtom]; ok && isCheckbox(n) {
		made := &html.Node{Type: html.ElementNode, DataAtom: n.DataAtom, Data: n.Data}
		made.Attr = slices.DeleteFunc(slices.Clone(n.Attr), func(a html.Attribute) bool {
			return !slices.Contains(attributes, a.Key) || a.Namespace != "" || !harmless(a)
		})
		into.AppendChild(made)
		into = made
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		copyClean(into, child)
	}
}

// isCheckbox holds for everything but an input that is none: task lists need
// disabled checkboxes, nothing needs other inputs.
func isCheckbox(n *html.Node) bool {
	if n.DataAtom != atom.Input {
		return true
	}
	has := func(key, value string) bool {
		return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key && (value == "" || a.Val == value) })
	}
	return has("type", "checkbox") && has("disabled", "")
}

func harmless(a html.Attribute) bool {
	switch a.Key {
	case "href", "src":
		u, err := url.Parse(strings.TrimSpace(a.Val))
		return err == nil && slices.Contains([]string{"", "http", "https", "mailto"}, strings.ToLower(u.Scheme))
	case "class":
		return strings.HasPrefix(a.Val, "hl-")
	}
	return true
}
