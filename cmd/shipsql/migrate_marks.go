package main

import (
	"context"
	"os/user"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

type migrateBaselineCmd struct {
	migrateTarget

	To     string `help:"The last version that is already there. Default: all of the folder." placeholder:"VERSION"`
	Reason string `help:"Why, for the record."`
}

// Run records the baseline.
func (c *migrateBaselineCmd) Run(t *terminal) error {
	return c.use(t, func(m *migration) error {
		there, err := m.upTo(c.To)
		if err != nil {
			return err
		}
		return c.marked(t, m, there, func(ctx context.Context) error { return m.target.Baseline(ctx, c.mark(c.Reason, there...)) })
	})
}

type migrateSkipCmd struct {
	migrateTarget

	Version string `arg:"" help:"The version that will not run."`
	Reason  string `help:"Why, for the record."`
}

// Run records the skip.
func (c *migrateSkipCmd) Run(t *terminal) error {
	return c.use(t, func(m *migration) error {
		i, err := m.index(c.Version)
		if err != nil {
			return err
		}
		one := m.folder[i : i+1]
		return c.marked(t, m, one, func(ctx context.Context) error { return m.target.Skip(ctx, c.mark(c.Reason, one...)) })
	})
}

type migrateResolveCmd struct {
	migrateTarget

	Step   string `arg:"" name:"version#n" help:"The step, as the error names it."`
	Answer string `arg:"" enum:"applied,retry" help:"applied: it took effect, go on behind it. retry: it did not, run it again."`
	Reason string `help:"What was looked at, for the record."`
}

// Run settles the step.
func (c *migrateResolveCmd) Run(t *terminal) error {
	version, n, err := parseStep(c.Step)
	if err != nil {
		return exit{exitUsage, err}
	}
	return c.use(t, func(m *migration) error {
		r := executor.Resolution{Version: version, N: n, Answer: executor.Answer(c.Answer)}
		of := executor.Migration{Version: version}
		return c.marked(t, m, []executor.Migration{of}, func(ctx context.Context) error { return m.target.Resolve(ctx, r, c.mark(c.Reason)) })
	})
}

// parseStep reads VERSION#N. A version may hold # itself.
func parseStep(text string) (version string, n int, err error) {
	at := strings.LastIndexByte(text, '#')
	if at > 0 {
		version = text[:at]
		n, err = strconv.Atoi(text[at+1:])
	}
	if at <= 0 || err != nil || n < 1 {
		return "", 0, fault.New(fault.Invalid, "%q names no step", text).Then("write VERSION#N, e.g. 20260102030405#2")
	}
	return version, n, nil
}

// mark makes an audited word of the person at the keyboard.
func (m *migrateTarget) mark(reason string, migrations ...executor.Migration) executor.Mark {
	return executor.Mark{
		History: m.History, Migrations: migrations, Actor: osUser(), Reason: reason, ToolVersion: version,
		Limits: executor.Limits{LockRetryFor: m.LockRetryFor},
	}
}

func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// marked runs a command that writes marks, and shows where the migrations stand
// then.
func (m *migrateTarget) marked(t *terminal, on *migration, migrations []executor.Migration, write func(context.Context) error) error {
	if err := write(t.ctx); err != nil {
		return err
	}
	entries, err := on.target.Status(t.ctx, m.History, on.folder)
	if err != nil {
		return err
	}
	about := map[string]bool{}
	for _, x := range migrations {
		about[executor.VersionKey(x.Version)] = true
	}
	var shown []executor.Entry
	for _, e := range entries {
		if about[executor.VersionKey(e.Version)] {
			shown = append(shown, e)
		}
	}
	return on.print(t, newStatusReport(on.engine.Name(), m.History, shown))
}
