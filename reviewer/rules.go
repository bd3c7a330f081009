package reviewer

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres"
)

// Rules about files, whatever the engine.

var unreadableFile = finding.Rule{
	ID:       "unreadable-file",
	Meaning:  "The file is no text that could be a migration",
	Category: "correctness", Severity: Error, Firm: true, Final: true,
	Why:    "The file is not UTF-8, holds a NUL byte, is too large, or holds no statement. The executor refuses it.",
	Remedy: "Save the file as UTF-8 text, split it, or delete it.",
}

var badDirective = finding.Rule{
	ID:       "bad-directive",
	Meaning:  "A -- shipsql: comment can't be followed",
	Category: "correctness", Severity: Error, Firm: true, Final: true,
	Why:    "A directive that is misspelt, or not supported, would silently not do what its author relies on. The executor refuses the file.",
	Remedy: "Correct the directive or take it out.",
}

// Rules describes every rule, in the order of the documentation.
func Rules() []finding.Rule {
	return append(postgres.Rules(), unreadableFile, badDirective)
}

// IDs are all rules' ids.
func IDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// unsupported are directives of the contract that the executor refuses so far.
var unsupported = []string{"batch", "sleep", "online", "environments", "databases"}

// directiveProblem says what is wrong with a well-formed directive, "" for
// nothing.
func (t *trial) directiveProblem(d script.Directive) (problem, next string) {
	switch {
	case slices.Contains(unsupported, d.Key):
		return "the directive " + d.Key + " is not supported yet", "take it out"
	case d.Key != "ignore":
		return "", ""
	}
	for _, id := range splitList(d.Value) {
		if _, known := t.rules[id]; known {
			continue
		}
		if word, ok := nearest.Word(id, IDs()); ok {
			return "there is no rule " + id, "did you mean " + word + "?"
		}
		return "there is no rule " + id, "the rules are listed in docs/rules.md"
	}
	return "", ""
}

// splitList reads a,b,c.
func splitList(text string) []string {
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}
