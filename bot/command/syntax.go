package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// syntax is one command's form. read fills the command from its arguments and
// returns what is wrong with them, or "".
type syntax struct {
	name  Name
	usage string
	read  func(Grammar, *Command, *args) string
}

const (
	flagWithEarlier     = "--with-earlier"
	flagDespiteFindings = "--despite-findings"

	// FlagRelease names one of several releases that a command could mean; the
	// answer to such a command prints it.
	FlagRelease = "--release"
)

var syntaxes = []syntax{
	{Approve, `approve ENV [--with-earlier] [--despite-findings "REASON"]`, readApprove},
	{Reject, `reject ENV ["REASON"]`, readReject},
	{Retry, `retry [ENV] [failed|DATABASE]`, readRetry},
	{Skip, `skip VERSION ENV "REASON"`, readSkip},
	{AcceptEdit, `accept-edit FILE "REASON"`, readAcceptEdit},
	{Resolve, `resolve VERSION#N applied|retry [DATABASE]`, readResolve},
	{Cancel, `cancel ENV`, readCancel},
	{Waive, `waive RULE "REASON"`, readWaive},
	{Review, `review`, readNothing},
	{Status, `status`, readNothing},
	{Help, `help`, readNothing},
}

func find(word string) *syntax {
	for i := range syntaxes {
		if strings.EqualFold(flagless(word), string(syntaxes[i].name)) {
			return &syntaxes[i]
		}
	}
	return nil
}

// flagless makes every dash inside a word plain: "accept–edit".
func flagless(word string) string { return strings.TrimPrefix(flag(word), "--") }

// args are the words that are still to be read.
type args struct{ words []word }

func (a *args) next() string {
	if len(a.words) == 0 {
		return ""
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w.text
}

// rest is everything that is left, as one text.
func (a *args) rest() string {
	var texts []string
	for len(a.words) > 0 {
		texts = append(texts, a.next())
	}
	return strings.Join(texts, " ")
}

// cutRelease takes --release and its value out of the words.
func cutRelease(words []word) (rest []word, release string) {
	for i, w := range words {
		if !w.quoted && i+1 < len(words) && isFlag(w.text) && flag(w.text) == FlagRelease {
			return slices.Concat(words[:i], words[i+2:]), words[i+1].text
		}
	}
	return words, ""
}

func (a *args) none() string {
	if len(a.words) == 0 {
		return ""
	}
	return fmt.Sprintf("there is no place for %q", shorten(a.words[0].text))
}

func readNothing(_ Grammar, _ *Command, a *args) string { return a.none() }

func readApprove(g Grammar, c *Command, a *args) string {
	for len(a.words) > 0 {
		w := a.words[0]
		var message string
		switch {
		case !w.quoted && isFlag(w.text):
			message = readApproveFlag(c, a)
		case c.Environment == "":
			message = g.environment(c, a)
		default:
			message = a.none()
		}
		if message != "" {
			return message
		}
	}
	if c.Environment == "" {
		return g.environment(c, a)
	}
	return ""
}

func readApproveFlag(c *Command, a *args) string {
	switch name := flag(a.next()); name {
	case flagWithEarlier:
		c.WithEarlier = true
	case flagDespiteFindings:
		if c.DespiteFindings = a.untilFlag(); c.DespiteFindings == "" {
			return flagDespiteFindings + " needs a reason"
		}
	default:
		return fmt.Sprintf("%q is not an option", shorten(name))
	}
	return ""
}

// untilFlag is a reason: one quoted text, or all words up to the next flag.
func (a *args) untilFlag() string {
	if len(a.words) > 0 && a.words[0].quoted {
		return a.next()
	}
	var texts []string
	for len(a.words) > 0 && (a.words[0].quoted || !isFlag(a.words[0].text)) {
		texts = append(texts, a.next())
	}
	return strings.Join(texts, " ")
}

func readReject(g Grammar, c *Command, a *args) string {
	message := g.environment(c, a)
	c.Reason = a.rest()
	return message
}

func readRetry(g Grammar, c *Command, a *args) string {
	if len(a.words) > 0 && g.known(a.words[0].text) != "" {
		c.Environment = g.known(a.next())
	}
	c.Only = a.next()
	return a.none()
}

func readSkip(g Grammar, c *Command, a *args) string {
	if c.Version = a.next(); c.Version == "" {
		return "skip needs a version"
	}
	if message := g.environment(c, a); message != "" {
		return message
	}
	return reason(c, a)
}

func readAcceptEdit(_ Grammar, c *Command, a *args) string {
	if c.File = a.next(); c.File == "" {
		return "accept-edit needs a file"
	}
	return reason(c, a)
}

func readWaive(_ Grammar, c *Command, a *args) string {
	if c.Rule = flagless(a.next()); c.Rule == "" {
		return "waive needs a rule"
	}
	return reason(c, a)
}

func readCancel(g Grammar, c *Command, a *args) string {
	if message := g.environment(c, a); message != "" {
		return message
	}
	return a.none()
}

func readResolve(_ Grammar, c *Command, a *args) string {
	version, n, _ := strings.Cut(a.next(), "#")
	statement, err := strconv.Atoi(n)
	if version == "" || err != nil || statement < 1 {
		return "resolve needs VERSION#N, the migration's version and the statement's number"
	}
	c.Version, c.Statement = version, statement
	if c.Decision = strings.ToLower(a.next()); c.Decision != "applied" && c.Decision != "retry" {
		return `resolve needs "applied" (the statement took effect) or "retry" (it didn't)`
	}
	c.Only = a.next()
	return a.none()
}

// reason reads the reason that an audited command must have.
func reason(c *Command, a *args) string {
	if c.Reason = a.rest(); c.Reason == "" {
		return string(c.Name) + " needs a reason"
	}
	return ""
}

func (g Grammar) environment(c *Command, a *args) string {
	list := strings.Join(g.Environments, ", ")
	text := a.next()
	if text == "" {
		return fmt.Sprintf("the environment is missing; there are: %s", list)
	}
	if c.Environment = g.known(text); c.Environment == "" {
		return fmt.Sprintf("%q is not an environment; there are: %s", shorten(text), list)
	}
	return ""
}

// known is the configured name of an environment, whatever the case of text.
func (g Grammar) known(text string) string {
	for _, e := range g.Environments {
		if strings.EqualFold(e, text) {
			return e
		}
	}
	return ""
}
