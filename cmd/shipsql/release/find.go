package release

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/nearest"
)

// AmbiguousError is a word that may mean several releases.
type AmbiguousError struct {
	Word    string
	Choices []Choice // newest first
}

// Choice is one of them: the command that means it, and what it is.
type Choice struct{ Command, About string }

// Error says how many there are; the choices are for who prints it.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q may mean %d releases; choose one", e.Word, len(e.Choices))
}

// FaultCode makes fault.CodeOf see a conflict.
func (e *AmbiguousError) FaultCode() fault.Code { return fault.Conflict }

// One picks the release that a word means of those that it may mean: not_found,
// or an [*AmbiguousError]. command is what was typed, with %s where the word
// stood.
func One(found []deploy.Release, word, command string) (deploy.Release, error) {
	switch len(found) {
	case 0:
		return deploy.Release{}, fault.New(fault.NotFound, "there is no release %q", word).
			Then("name its id, #PULL_REQUEST or merge commit; shipsql release list shows them")
	case 1:
		return found[0], nil
	}
	several := &AmbiguousError{Word: word}
	for _, r := range found {
		s := summary(r, "")
		several.Choices = append(several.Choices, Choice{
			fmt.Sprintf(command, r.ID), fmt.Sprintf("%s of %s, %s", s.change(), console.Plain(r.Project), console.Clipped(r.Title, titleWidth)),
		})
	}
	return deploy.Release{}, several
}

// Project finds the project that a word means: its id, or a part of it that no
// other has. "" is every project.
func Project(cfg deploy.Config, word string) (string, error) {
	if word == "" {
		return "", nil
	}
	var ids, found []string
	for _, p := range cfg.Projects {
		ids = append(ids, p.ID())
		if p.ID() == word {
			return word, nil
		}
		if strings.Contains(p.ID(), word) {
			found = append(found, p.ID())
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fault.New(fault.Invalid, "%q may mean %d projects", word, len(found)).Then("choose one of %s", strings.Join(found, ", "))
	}
	return "", fault.New(fault.Invalid, "there is no project %q", word).Then("%s", suggestion(word, ids))
}

// Environment checks the name against the project's road.
func Environment(cfg deploy.Config, project, name string) error {
	p, ok := cfg.Project(project)
	if !ok {
		return fault.New(fault.Conflict, "the project %s is not configured any more", console.Plain(project)).Then("put it back into the configuration")
	}
	var names []string
	for _, env := range cfg.Road(p) {
		if env.Name == name {
			return nil
		}
		names = append(names, env.Name)
	}
	return fault.New(fault.Invalid, "the project has no environment %q", name).Then("%s", suggestion(name, names))
}

// Database checks retry's object: "" and "failed" mean several.
func Database(cfg deploy.Config, project, environment, name string) error {
	p, _ := cfg.Project(project)
	names := []string{deploy.RetryFailed}
	for _, d := range cfg.Targets(p, environment) {
		names = append(names, d.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return fault.New(fault.Invalid, "the project has no database %q in %s", name, environment).Then("%s", suggestion(name, names))
}

func suggestion(word string, names []string) string {
	if near, ok := nearest.Word(word, names); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known: " + someOf(names)
}
