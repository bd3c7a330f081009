package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"github.com/shipsql/shipsql/executor"
)

// progress shows a bar on a terminal; elsewhere a line when a file starts, and
// always why nothing moves.
func progress(t *terminal, format string, wanted []executor.Migration) func(executor.Event) {
	bar := progressbar.NewOptions(len(wanted), progressbar.OptionSetWriter(io.Discard))
	if t.isTTY && format == "text" {
		bar = progressbar.NewOptions(len(wanted), progressbar.OptionSetWriter(t.err), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetDescription("migrating"))
	}
	return func(e executor.Event) {
		switch {
		case e.Detail != "":
			fmt.Fprintf(t.err, "%s: %s\n", e.State, e.Detail)
		case e.State == executor.EventApplied || e.State == executor.EventSkipped:
			_ = bar.Add(1) // drawing is no reason to fail
		case e.State == executor.EventRunning && e.Statement == 1 && !t.isTTY:
			fmt.Fprintf(t.err, "running: %s (%d statements)\n", e.Path, e.Total)
		}
	}
}
