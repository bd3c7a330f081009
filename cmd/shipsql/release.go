package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/cmd/shipsql/release"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
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

// releaseStore are the flags of every release command.
type releaseStore struct {
	Config string `help:"Configuration file." default:"shipsql.yaml" type:"path"`
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

// releaseReport is what a release command prints.
type releaseReport interface{ Text(t console.Terminal) }

// use opens the store and prints what f reports. An error is printed here too,
// because its next commands name the release that it is about.
func (s releaseStore) use(t *terminal, f func(*deploy.Service) (releaseReport, error)) error {
	cfg, err := config.Load(s.Config)
	if err == nil {
		err = storeExists(cfg)
	}
	if err != nil {
		return exit{exitUsage, err}
	}
	o := serve.Options{Config: cfg, Role: config.RoleAll, Version: version, Log: slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	err = serve.Operate(t.ctx, o, func(service *deploy.Service) error {
		report, err := f(service)
		if err != nil {
			return err
		}
		return s.print(t, t.out, report)
	})
	return s.refused(t, err)
}

// storeExists keeps a mistyped path from becoming a new, empty store.
func storeExists(cfg *config.File) error {
	path, sqlite, err := cfg.SQLite()
	if err != nil || !sqlite {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fault.New(fault.NotFound, "there is no store").At(path).Because(err).
			Then("run this in the folder of shipsql serve: store is relative to it")
	}
	return nil
}

func (s releaseStore) print(t *terminal, to io.Writer, report releaseReport) error {
	if s.Format == "json" {
		out := json.NewEncoder(to)
		out.SetEscapeHTML(false)
		return out.Encode(report)
	}
	report.Text(console.Terminal{Out: to, Color: t.isTTY, Now: time.Now()})
	return nil
}

// refused prints an error with the commands that help: JSON to standard output,
// text to standard error.
func (s releaseStore) refused(t *terminal, err error) error {
	if err == nil {
		return nil
	}
	code := exitFail
	if fault.CodeOf(err) == fault.Invalid {
		code = exitUsage
	}
	about := ""
	if of, ok := errors.AsType[ofRelease](err); ok {
		about = of.release
	}
	to := t.err
	if s.Format == "json" {
		to = t.out
	}
	if err := s.print(t, to, release.NewFailed(err, about)); err != nil {
		return err
	}
	return exit{code: code}
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
	releaseStore

	Project string `help:"Only releases of this project: its id, or a part that no other has." placeholder:"PROJECT"`
	State   string `help:"Only releases in this state: ${enum}." enum:",waiting,running,done,failed,ambiguous,skipped,cancelled" default:""`
	Limit   int    `help:"At most so many, up to 1000." default:"20"`
}

// Run prints the list.
func (c releaseListCmd) Run(t *terminal) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return exit{exitUsage, fault.New(fault.Invalid, "--limit must be from 1 to 1000")}
	}
	return c.use(t, func(s *deploy.Service) (releaseReport, error) {
		project, err := release.Project(s.Config(), c.Project)
		if err != nil {
			return nil, err
		}
		listed, err := s.List(t.ctx, deploy.Listing{Project: project, State: deploy.State(c.State), Limit: c.Limit})
		return release.NewList(listed), err
	})
}

type releaseShowCmd struct {
	releaseStore

	Release string `arg:"" help:"Its id, #PULL_REQUEST or merge commit."`
}

// Run prints the release.
func (c releaseShowCmd) Run(t *terminal) error {
	return c.use(t, func(s *deploy.Service) (releaseReport, error) {
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
	releaseStore

	Release     string `arg:"" help:"Its id, #PULL_REQUEST or merge commit."`
	Environment string `arg:"" help:"The environment."`
	As          string `help:"Your name, for the audit. Default: the name of the account." placeholder:"NAME"`
}

// order finds what the command is about and lets carry do it.
func (c releaseOrder) order(t *terminal, verb string, carry func(*deploy.Service, deploy.Command) (deploy.Answer, error)) error {
	return c.use(t, func(s *deploy.Service) (releaseReport, error) {
		r, err := findRelease(t.ctx, s, c.Release, fmt.Sprintf("shipsql release %s %%s %s", verb, c.Environment))
		if err != nil {
			return nil, err
		}
		if err := release.Environment(s.Config(), r.Project, c.Environment); err != nil {
			return nil, err
		}
		answer, err := carry(s, deploy.Command{
			Actor: deploy.Actor{Kind: deploy.Operator, Login: c.name()}, Release: r.ID, Project: r.Project,
			Environment: c.Environment, Source: evidence(verb),
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
func evidence(verb string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("shipsql release %s by %s (uid %d) on %s", verb, osUser(), os.Getuid(), host)
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
