package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/shipsql/shipsql/executor"
)

// interrupts returns a context that is done at the first SIGINT or SIGTERM, and
// a channel that is closed at the second.
func interrupts(ctx context.Context) (_ context.Context, insisted <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals, again := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		close(again)
	}()
	return ctx, again, func() {
		signal.Stop(signals)
		cancel()
	}
}

// interruptible lets the person at the keyboard end a run: the first Ctrl-C lets
// the running file end if it does so soon, the second cancels its statement at
// once. Call done when the run is over.
func (t *terminal) interruptible(run *executor.Run) (done func()) {
	run.Cancel = t.insisted
	stop := context.AfterFunc(t.ctx, func() {
		fmt.Fprintf(t.err, "interrupted: what runs is cancelled in %s, or at once by another Ctrl-C\n", run.Limits.Grace)
	})
	return func() { stop() }
}
