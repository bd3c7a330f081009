package syntax_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func TestLex(t *testing.T) {
	for sql, want := range map[string]string{
		"ALTER TABLE a.b":         "ALTER TABLE a . b",
		"a--b\n+ c":               "a + c",
		"a /* x /* y */ z */ b":   "a b",
		"'it''s' E'it\\'s' x":     "'it''s' E'it\\'s' x",
		`"a""b" U&"c" U&'d' n'e'`: `"a""b" U&"c" U&'d' n'e'`,
		"$$a;b$$ $x$ $$ $x$ $1":   "$$a;b$$ $x$ $$ $x$ $1",
		"a::int[1.5e3] || b<=.5":  "a :: int [ 1.5e3 ] || b <= .5",
		"a+--c\nb":                "a + b",
		"'open":                   "'open",
		"/* open":                 "",
		"$x$ open":                "$x$ open",
		"naïve été":               "naïve été",
		"a = $b":                  "a = $ b",
		"f(a, b);":                "f ( a , b ) ;",
	} {
		var got []string
		for _, token := range syntax.Lex(sql) {
			got = append(got, sql[token.Start:token.End])
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q:\n%s", sql, diff)
		}
	}
}

func TestLexCoversTheTextInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sql := strings.Join(rapid.SliceOf(rapid.OneOf(
			rapid.SampledFrom([]string{"'", "''", `"`, "$$", "$a$", "--", "\n", "/*", "*/", "E'", "\\", "(", "::", "1.", "é"}),
			rapid.StringN(0, 4, 8))).Draw(t, "parts"), "")
		end := 0
		for _, token := range syntax.Lex(sql) {
			if token.Start < end || token.End <= token.Start || token.End > len(sql) {
				t.Fatalf("token %+v after byte %d of %d", token, end, len(sql))
			}
			end = token.End
		}
	})
}
