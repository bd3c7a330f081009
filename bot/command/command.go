package command

import (
	"strconv"
	"strings"
	"unicode"
)

// Name is a command's word.
type Name string

// The commands of the contract.
const (
	Approve    Name = "approve"     // approve ENV [--with-earlier] [--despite-findings REASON]
	Reject     Name = "reject"      // reject ENV [REASON]
	Retry      Name = "retry"       // retry [ENV] [failed|DATABASE]
	Skip       Name = "skip"        // skip VERSION ENV REASON
	AcceptEdit Name = "accept-edit" // accept-edit FILE REASON
	Resolve    Name = "resolve"     // resolve VERSION#N applied|retry [DATABASE]
	Cancel     Name = "cancel"      // cancel ENV
	Waive      Name = "waive"       // waive RULE REASON
	Review     Name = "review"      // review
	Status     Name = "status"      // status
	Help       Name = "help"        // help
)

// Command is one command that was understood. Only the fields of its Name's
// usage are set.
type Command struct {
	Name            Name
	Environment     string // as configured, whatever its case in the comment
	WithEarlier     bool
	DespiteFindings string // the reason; "" when the flag isn't given
	Reason          string
	Only            string // retry: "failed" or a database's name, "" for all; resolve: a database's name
	Version         string // skip, resolve
	Statement       int    // resolve: N, from 1
	Decision        string // resolve: "applied" or "retry"
	File            string // accept-edit
	Rule            string // waive
	Release         string // --release ID, which any command may have: one of several releases
}

// Problem is a line that was meant for ShipSQL and can't be understood.
type Problem struct {
	Message    string // what is wrong, one sentence without a full stop
	Suggestion string // the nearest command without prefix, or ""
	Usage      string // how the command is written without prefix, "" for an unknown word
}

// Line is one line of a comment that is meant for ShipSQL: exactly one of
// Command and Problem is set.
type Line struct {
	Text    string // as written, trimmed
	Command *Command
	Problem *Problem
}

// MaxLines bounds how many lines of one comment are read as commands; one more
// becomes a Problem and the rest are left out.
const MaxLines = 10

// Grammar is what the reader has to know about the forge and the configuration.
type Grammar struct {
	Mentions     []string // the bot's logins, without @
	Bare         bool     // "/approve prod" works here
	Environments []string // configured names
}

// Usage is how a command is written, without prefix; "" for an unknown name.
func Usage(n Name) string {
	for _, s := range syntaxes {
		if s.name == n {
			return s.usage
		}
	}
	return ""
}

// Names are all commands, in the order of the help.
func Names() []Name {
	names := make([]Name, 0, len(syntaxes))
	for _, s := range syntaxes {
		names = append(names, s.name)
	}
	return names
}

// String is the command as it is typed after the prefix. Messages print it as
// "the exact next command".
func (c Command) String() string {
	words := []string{string(c.Name)}
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" {
				words = append(words, t)
			}
		}
	}
	add(c.Rule, quotedIfNeeded(c.File), c.Version)
	if c.Statement > 0 {
		words[len(words)-1] += "#" + strconv.Itoa(c.Statement)
	}
	if c.Name == Resolve {
		add(c.Decision, c.Only)
	} else {
		add(c.Environment, c.Only, quoted(c.Reason))
	}
	if c.WithEarlier {
		add(flagWithEarlier)
	}
	if c.DespiteFindings != "" {
		add(flagDespiteFindings, quoted(c.DespiteFindings))
	}
	if c.Release != "" {
		add(FlagRelease, c.Release)
	}
	return strings.Join(words, " ")
}

func quoted(reason string) string {
	if reason == "" {
		return ""
	}
	return `"` + reason + `"`
}

func quotedIfNeeded(word string) string {
	if strings.ContainsFunc(word, unicode.IsSpace) {
		return quoted(word)
	}
	return word
}
