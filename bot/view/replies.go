package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/plural"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Refused answers a command that was not carried out. again is the command for
// those who may, or for later, without prefix; "" when saying it again is no use.
func Refused(s State, said string, r deploy.Reason, again string) string {
	reply := message.Reply{Said: said, Text: s.masked(r.Text), Who: r.Who, Commands: s.commands(r.Next)}
	if len(reply.Commands) == 0 && again != "" {
		reply.Commands = []string{s.Forge.Command(again)}
	}
	return message.RenderRefused(s.Forge, reply)
}

// Unknown answers a line that was meant for us and not understood.
func Unknown(f message.Forge, p command.Problem) string {
	reply := message.Reply{Text: p.Message}
	if p.Suggestion != "" {
		reply.Commands = []string{f.Command(p.Suggestion)}
	}
	switch {
	case p.Usage != "":
		reply.Usage = f.Command(p.Usage)
	case p.Suggestion == "":
		reply.Commands = []string{"/shipsql help"}
	}
	return message.RenderUnknown(f, reply)
}

// Accepted answers a command that was carried out and does not move anything
// yet; "" when it does, for then the sticky comment says so.
func Accepted(s State, said string, a deploy.Answer) string {
	gates := s.gates(a.Reasons)
	if len(gates) == 0 {
		return ""
	}
	return message.RenderAccepted(s.Forge, message.Reply{Said: said, Text: "recorded for " + Restated(a), Reasons: gates})
}

// Restated says in one line what a command was done to, so that everybody can
// check that it is what was meant.
func Restated(a deploy.Answer) string {
	var releases []string
	for _, r := range a.Releases {
		releases = append(releases, fmt.Sprintf("release %d (%s, %s)", r.Seq,
			plural.Count(r.Migrations, "migration"), plural.Count(r.Statements, "statement")))
	}
	parts := []string{strings.Join(releases, ", ")}
	if a.Environment != "" {
		parts = append(parts, a.Environment+databaseList(a.Databases))
	}
	if a.Edit != nil {
		parts = append(parts, a.Edit.Path)
	}
	if a.Skip != nil {
		parts = append(parts, "version "+a.Skip.Version)
	}
	return strings.Join(nonEmpty(parts), ", ")
}

func databaseList(names []string) string {
	switch {
	case len(names) == 0:
		return ""
	case len(names) > 5:
		return fmt.Sprintf(" (%s and %d more databases)", strings.Join(names[:5], ", "), len(names)-5)
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func nonEmpty(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}
