package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/cmd/shipsql/release"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// operatorFlags are those of every command that works on the store, beside the
// running app.
type operatorFlags struct {
	Config string `help:"Configuration file." default:"shipsql.yaml" type:"path"`
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

// operatorReport is what such a command prints.
type operatorReport interface{ Text(t console.Terminal) }

// use opens the store and prints what f reports. An error is printed here too,
// because its next commands name the release that it is about.
func (s operatorFlags) use(t *terminal, f func(*deploy.Service, *queue.Queue) (operatorReport, error)) error {
	cfg, err := config.Load(s.Config)
	if err == nil {
		err = storeExists(cfg)
	}
	if err != nil {
		return exit{exitUsage, err}
	}
	o := serve.Options{Config: cfg, Role: config.RoleAll, Version: version, Log: slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	err = serve.Operate(t.ctx, o, func(service *deploy.Service, q *queue.Queue) error {
		report, err := f(service, q)
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

func (s operatorFlags) print(t *terminal, to io.Writer, report operatorReport) error {
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
func (s operatorFlags) refused(t *terminal, err error) error {
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
