package command_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/bot/command"
)

var word = rapid.StringMatching(`[a-z][a-z0-9_./-]{0,12}`)

// text draws words that a quoted reason may hold.
var text = rapid.Custom(func(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(word, 1, 5).Draw(t, "words"), " ")
})

var valid = rapid.Custom(func(t *rapid.T) command.Command {
	env := rapid.SampledFrom(github.Environments)
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return command.Command{Name: command.Approve, Environment: env.Draw(t, "env"),
			WithEarlier: rapid.Bool().Draw(t, "earlier"), DespiteFindings: rapid.OneOf(rapid.Just(""), text).Draw(t, "despite")}
	case 1:
		return command.Command{Name: command.Reject, Environment: env.Draw(t, "env"), Reason: text.Draw(t, "reason")}
	case 2:
		return command.Command{Name: command.Skip, Version: word.Draw(t, "version"), Environment: env.Draw(t, "env"), Reason: text.Draw(t, "reason")}
	case 3:
		return command.Command{Name: command.Waive, Rule: word.Draw(t, "rule"), Reason: text.Draw(t, "reason")}
	case 4:
		return command.Command{Name: command.Resolve, Version: word.Draw(t, "version"),
			Statement: rapid.IntRange(1, 99).Draw(t, "n"), Decision: rapid.SampledFrom([]string{"applied", "retry"}).Draw(t, "decision")}
	default:
		return command.Command{Name: command.Status}
	}
})

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := valid.Draw(t, "command")
		prefix := rapid.SampledFrom([]string{"/shipsql ", "/", "@shipsql ", "@shipsql[bot] "}).Draw(t, "prefix")
		ending := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "line end")
		line := prefix + want.String()
		body := strings.Join([]string{"some prose", line, "", "more of it"}, ending)
		got := github.Parse(body)
		if len(got) != 1 || got[0].Command == nil {
			t.Fatalf("%q yields %+v", line, got)
		}
		if diff := cmp.Diff(want, *got[0].Command); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", line, diff)
		}
	})
}

func TestQuotingOrFencingHidesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inner := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.Just("/approve prod"), rapid.Just("```"), rapid.Just("<!--")), 0, 6).Draw(t, "lines")
		for i := range inner {
			inner[i] = strings.NewReplacer("\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ").Replace(inner[i])
		}
		quoted := "> " + strings.Join(inner, "\n> ")
		fenced := "``````\n" + strings.ReplaceAll(strings.Join(inner, "\n"), "``````", "") + "\n``````"
		for _, body := range []string{quoted, fenced} {
			if got := github.Parse(body); len(got) != 0 {
				t.Fatalf("%q yields %+v", body, got)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"/approve prod", "/shipsql approve prod --despite-findings \"x\"", "> q\n/approve prod", "```\n/approve prod\n```",
		"<!-- a\n-->\n/shipsql skip 1 prod 'r'", "@shipsql resolve 1#2 applied", "a `` b <!-- `\n/retry\r\n\t/cancel prod", "/shipsql \"", "\\",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, l := range github.Parse(body) {
			if (l.Command == nil) == (l.Problem == nil) {
				t.Fatalf("%q: neither or both of command and problem", body)
			}
			if utf8.ValidString(body) && !utf8.ValidString(l.Text) {
				t.Fatalf("%q: cut inside a rune: %q", body, l.Text)
			}
			if l.Command != nil {
				again := github.Parse("/shipsql " + l.Command.String())
				if len(again) != 1 || again[0].Command == nil {
					continue // an odd quote in a reason can't be written back
				}
				if again[0].Command.Name != l.Command.Name || again[0].Command.Environment != l.Command.Environment {
					t.Fatalf("%q reads back as %+v", l.Command, again[0].Command)
				}
			}
		}
	})
}
