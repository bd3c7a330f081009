package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/release"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// releaseCmd is `shipsql release`: the operator's hand on the store, beside the
// running app.
type releaseCmd struct {
	List    releaseListCmd    `cmd:"" help:"List releases, newest first, with where each stands."`
	Show    releaseShowCmd    `cmd:"" help:"Show one release: its stages, what is in the way, its databases and its audit trail."`
	Approve releaseApproveCmd `cmd:"" help:"Approve a release for an environment, as the operator."`
	Retry   releaseRetryCmd   `cmd:"" help:"Run failed or cancelled databases of a release again, as the operator."`
}

// Help says what the exit codes mean.
func (releaseCmd) Help() string {
	return "A release is named by its id, by #PULL_REQUEST, or by its merge commit. Exit code 0: done; 1: refused or not found; 2: wrong usage."
}

// ofRelease is an error about a release.
type ofRelease struct {
	error

	release string
}

func (o ofRelease) Unwrap() error { return o.error }

// findRelease turns a word into the release it means; command is how the choices are
// shown, with %s for the word.
func findRelease(ctx context.Context, s *deploy.Service, word, command string) (deploy.Release, error) {
	found, err := s.Find(ctx, word)
	if err != nil {
		return deploy.Release{}, err
	}
	return release.One(found, word, command)
}

type releaseListCmd struct {
	operatorFlags

	Project string `help:"Only releases of this project: its id, or a part that no other has." placeholder:"PROJECT"`
	State   string `help:"Only releases in this state: ${enum}." enum:",waiting,running,done,failed,ambiguous,skipped,cancelled" default:""`
	Limit   int    `help:"At most so many, up to 1000." default:"20"`
}

// Run prints the list.
func (c releaseListCmd) Run(t *terminal) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return exit{exitUsage, fault.New(fault.Invalid, "--limit must be from 1 to 1000")}
	}
	return c.use(t, func(s *deploy.Service, _ *queue.Queue) (operatorReport, error) {
		project, err := release.Project(s.Config(), c.Project)
		if err != nil {
			return nil, err
		}
		listed, err := s.List(t.ctx, deploy.Listing{Project: project, State: deploy.State(c.State), Limit: c.Limit})
		return release.NewList(listed), err
	})
}

type releaseShowCmd struct {
	operatorFlags

	Release string `arg:"" help:"Its id, #PULL_REQUEST or merge commit."`
}

// Run prints the release.
func (c releaseShowCmd) Run(t *terminal) error {
	return c.use(t, func(s *deploy.Service, _ *queue.Queue) (operatorReport, error) {
		r, err := findRelease(t.ctx, s, c.Release, "shipsql release show %s")
		if err != nil {
			return nil, err
		}
		rollout, err := s.Rollout(t.ctx, r.ID)
		if err != nil {
			return nil, err
		}
		audit, err := s.Audit(t.ctx, r.ID)
		return release.NewShow(rollout, audit), err
	})
}

// releaseOrder are the arguments of a command that changes something.
type releaseOrder struct {
	operatorFlags

	Release     string `arg:"" help:"Its id, #PULL_REQUEST or merge commit."`
	Environment string `arg:"" help:"The environment."`
	As          string `help:"Your name, for the audit. Default: the name of the account." placeholder:"NAME"`
}

// order finds what the command is about and lets carry do it.
func (c releaseOrder) order(t *terminal, verb string, carry func(*deploy.Service, deploy.Command) (deploy.Answer, error)) error {
	return c.use(t, func(s *deploy.Service, _ *queue.Queue) (operatorReport, error) {
		r, err := findRelease(t.ctx, s, c.Release, fmt.Sprintf("shipsql release %s %%s %s", verb, c.Environment))
		if err != nil {
			return nil, err
		}
		if err := release.Environment(s.Config(), r.Project, c.Environment); err != nil {
			return nil, err
		}
		answer, err := carry(s, deploy.Command{
			Actor: deploy.Actor{Kind: deploy.Operator, Login: c.name()}, Release: r.ID, Project: r.Project,
			Environment: c.Environment, Source: evidence("release " + verb),
		})
		if err != nil {
			return nil, ofRelease{err, r.ID}
		}
		return release.NewAnswer(answer), nil
	})
}

func (c releaseOrder) name() string {
	if c.As != "" {
		return c.As
	}
	return osUser()
}

// evidence is what the machine knows of who gave the command: a name can be
// said, an account is had.
func evidence(command string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("shipsql %s by %s (uid %d) on %s", command, osUser(), os.Getuid(), host)
}

type releaseApproveCmd struct {
	releaseOrder

	WithEarlier     bool   `help:"Approve the releases before it too, each by its own hash."`
	DespiteFindings string `help:"Answer for what the review found, with the reason." placeholder:"REASON"`
}

// Run approves.
func (c releaseApproveCmd) Run(t *terminal) error {
	return c.order(t, deploy.VerbApprove, func(s *deploy.Service, command deploy.Command) (deploy.Answer, error) {
		command.WithEarlier = c.WithEarlier
		command.Reason = strings.TrimSpace(c.DespiteFindings)
		command.DespiteFindings = command.Reason != ""
		return s.Approve(t.ctx, command)
	})
}

type releaseRetryCmd struct {
	releaseOrder

	What string `arg:"" optional:"" help:"A database, or failed for all that failed (the default)."`
}

// Run retries.
func (c releaseRetryCmd) Run(t *terminal) error {
	return c.order(t, deploy.VerbRetry, func(s *deploy.Service, command deploy.Command) (deploy.Answer, error) {
		if err := release.Database(s.Config(), command.Project, c.Environment, c.What); err != nil {
			return deploy.Answer{}, err
		}
		command.Database = c.What
		return s.Retry(t.ctx, command)
	})
}
