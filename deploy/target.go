package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// target is what a command is about: releases of one project, in merge order.
type target struct {
	project  Project
	releases []Release
}

// resolve finds what a command is about. A pull request that was merged into
// several projects has to be told apart by the person.
func (s *Service) resolve(ctx context.Context, c Command, verb string) (target, *Refused) {
	found, err := s.candidates(ctx, c)
	if err != nil {
		return target{}, internalRefusal(err)
	}
	if len(found) == 0 {
		return target{}, refuse(fault.Conflict, Reason{Code: CommandNoRelease, Text: noReleaseText(c)})
	}
	if unfinished := slices.DeleteFunc(slices.Clone(found), func(r storedRelease) bool { return r.finished }); len(unfinished) > 0 {
		found = unfinished
	}
	if slices.ContainsFunc(found, func(r storedRelease) bool { return r.Project != found[0].Project }) {
		return target{}, choose(c, verb, found)
	}
	p, err := s.project(found[0].Project)
	if err != nil {
		return target{}, internalRefusal(err)
	}
	t := target{project: p}
	for _, r := range found {
		t.releases = append(t.releases, r.Release)
	}
	return t, nil
}

// candidates are the releases that a command names.
func (s *Service) candidates(ctx context.Context, c Command) ([]storedRelease, error) {
	var sc scope
	switch {
	case c.Release != "":
		sc = onlyRelease(c.Release)
	case c.PullRequest != 0:
		sc = ofPullRequest(c.Repository, c.PullRequest)
	case c.Project != "":
		sc = unfinishedOf(c.Project)
	default:
		return nil, nil
	}
	found, err := loadReleases(ctx, s.db, sc)
	return slices.DeleteFunc(found, func(r storedRelease) bool {
		return c.Project != "" && r.Project != c.Project
	}), err
}

func noReleaseText(c Command) string {
	switch {
	case c.Release != "":
		return "there is no release " + c.Release
	case c.PullRequest != 0:
		return fmt.Sprintf("there is no release of #%d: it is made by the merge, and commands on it count only after that", c.PullRequest)
	}
	return "the project has no release under way"
}

// choose refuses a command that matches releases of several projects, with the
// command for each.
func choose(c Command, verb string, found []storedRelease) *Refused {
	reason := Reason{Code: CommandChoose, Text: "this matches releases of several projects; name the one you mean"}
	for _, r := range found {
		reason.Next = append(reason.Next, Next{Verb: verb, Args: c.args(verb), Release: r.ID})
	}
	return refuse(fault.Conflict, reason)
}

// args are the command's words after its verb, as a person would type them.
func (c Command) args(verb string) []string {
	switch verb {
	case VerbApprove:
		args := []string{c.Environment}
		if c.WithEarlier {
			args = append(args, FlagWithEarlier)
		}
		if c.DespiteFindings {
			args = append(args, FlagDespite, c.Reason)
		}
		return args
	case VerbSkip:
		return []string{c.Version, c.Environment, c.Reason}
	case VerbAcceptEdit:
		return []string{c.File, c.Reason}
	case VerbResolve:
		return []string{fmt.Sprintf("%s#%d", c.Version, c.Step), c.Outcome}
	case VerbRetry:
		return slices.DeleteFunc([]string{c.Environment, c.Database}, func(a string) bool { return a == "" })
	}
	return slices.DeleteFunc([]string{c.Environment, c.Reason}, func(a string) bool { return a == "" })
}

// environment finds the command's environment on the project's road.
func (s *Service) environment(c Command, p Project, verb string) (Environment, *Refused) {
	road := s.topology.roads[p.ID()]
	for _, env := range road {
		if env.Name == c.Environment {
			return env, nil
		}
	}
	reason := Reason{Code: CommandUnknown, Text: fmt.Sprintf("this project has no environment %q", c.Environment)}
	if c.Environment == "" {
		reason = Reason{Code: CommandInvalid, Text: "the command needs an environment"}
	}
	for _, env := range road {
		c.Environment = env.Name
		reason.Next = append(reason.Next, Next{Verb: verb, Args: c.args(verb)})
	}
	return Environment{}, refuse(fault.NotFound, reason)
}

// denied turns the Authority's no into a refusal that says who may.
func denied(say Say, who string) *Refused {
	if say.Unknown {
		return refuse(fault.Unreachable, Reason{Code: GateAuthority, Who: who,
			Text: "the forge could not be asked what you may do, so nothing was done; try again: " + say.Reason})
	}
	return refuse(fault.Denied, Reason{Code: CommandDenied, Text: say.Reason, Who: who})
}

// internalRefusal wraps an error that is no answer to the person.
func internalRefusal(err error) *Refused {
	return &Refused{Reason: Reason{Code: CommandNotPossible, Text: "ShipSQL failed to do this"}, fault: fault.CodeOf(err), cause: err}
}

// say ends a command: a refusal is audited, because who tried what matters
// later, unless it is of a second attempt. Errors of the store come out as they are.
func (s *Service) say(ctx context.Context, c Command, verb string, answer Answer, refused *Refused) (Answer, error) {
	if refused == nil {
		return answer, nil
	}
	if refused.cause != nil {
		return Answer{}, refused.cause
	}
	if before, done, err := s.carriedOut(ctx, c, verb); done || err != nil {
		return before, err
	}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		return audit(ctx, tx, note{
			action: "refused", project: c.Project, release: c.Release, environment: c.Environment, actor: c.Actor,
			data: map[string]any{
				"command": strings.TrimSpace(verb + " " + strings.Join(c.args(verb), " ")), "code": refused.Reason.Code,
				"text": refused.Reason.Text, "repository": c.Repository, "pull_request": c.PullRequest, "source": c.Source,
			},
		})
	})
	if err != nil {
		return Answer{}, err
	}
	return Answer{}, refused
}

// ordered runs a command's change in a transaction: the project's gates are
// settled right after it, so the answer tells what really follows.
func (s *Service) ordered(ctx context.Context, t target, facts Facts, change func(tx *store.Tx) *Refused) (Decision, *Refused) {
	var decision Decision
	var refused *Refused
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		if refused = change(tx); refused != nil {
			return refused // rolls back
		}
		var err error
		decision, err = s.settle(ctx, tx, t.project, facts.asked())
		return err
	})
	if refused == nil && err != nil {
		refused = internalRefusal(err)
	}
	return decision, refused
}

// restate names releases for the answer, with where their approvals stand.
func restate(releases []Release, environment string, d Decision) []Restated {
	restated := make([]Restated, 0, len(releases))
	for _, r := range releases {
		stage, _ := d.Stage(r.ID, environment)
		migrations := 0
		for _, m := range r.Migrations {
			if !m.Withdrawn {
				migrations++
			}
		}
		restated = append(restated, Restated{
			ID: r.ID, Seq: r.Seq, Hash: r.Hash, PullRequest: r.PullRequest, Title: r.Title,
			Migrations: migrations, Statements: r.Statements(), Counted: stage.Counted, Needed: stage.Needed,
		})
	}
	return restated
}

// answer restates what was done and what still stands in the way of the last
// release it was done to.
func (s *Service) answer(verb string, t target, environment string, releases []Release, d Decision) Answer {
	a := Answer{Verb: verb, Environment: environment, Releases: restate(releases, environment, d),
		Databases: s.topology.stop(t.project.ID(), environment).names}
	if len(releases) > 0 {
		stage, _ := d.Stage(releases[len(releases)-1].ID, environment)
		a.Reasons = stage.Reasons
	}
	return a
}
