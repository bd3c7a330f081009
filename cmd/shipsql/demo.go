package main

import (
	"os"

	"github.com/mattn/go-isatty"

	"github.com/shipsql/shipsql/cmd/shipsql/demo"
	"github.com/shipsql/shipsql/internal/fault"
)

// demoCmd is `shipsql demo`: the whole road, on this machine alone.
type demoCmd struct {
	Script bool   `help:"Play the story alone and check every step; so it does without a terminal."`
	Kill   bool   `help:"Kill ShipSQL in the middle of the prod apply, and start it again (with the script)."`
	Redis  string `help:"Redis as ShipSQL's doorbell." placeholder:"URL"`
	Keep   bool   `help:"Leave the folder with configuration, store and log."`
	Break  string `help:"Sabotage a step of the script, to see it fail." env:"SHIPSQL_DEMO_BREAK" hidden:""`
}

// Run exits 0 when everything happened as told, 1 when a step failed, and 2
// when the step to break doesn't exist.
func (c demoCmd) Run(t *terminal) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	// A person needs a terminal to read in and to press keys at.
	person := isatty.IsTerminal(os.Stdin.Fd()) && isatty.IsTerminal(os.Stdout.Fd())
	err = demo.Run(t.ctx, demo.Options{
		Executable: executable, Script: c.Script || c.Kill || !person,
		Kill: c.Kill, Keep: c.Keep, Redis: c.Redis, Break: c.Break,
		In: t.in, Out: t.out, Browse: demo.OpenBrowser,
	})
	if fault.CodeOf(err) == fault.Invalid {
		return exit{exitUsage, err}
	}
	return err
}
