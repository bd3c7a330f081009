package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/handlers"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// Options say what to run.
type Options struct {
	Config  *config.File
	Role    config.Role
	Pools   []string // of --pool; none: what the role means without it
	Version string
	Log     *slog.Logger
	// Ready is told the listener's address once the app answers. May be nil.
	Ready func(address string)
	// Queue changes times and numbers of the queue, for tests: a field that isn't
	// zero replaces the product's value.
	Queue queue.Options
	// WriteRate is how much may be written to a forge per second, for tests;
	// 0: what forges allow.
	WriteRate rate.Limit
}

// shutdownGrace is how long open requests may take after the stop signal; a
// webhook's answer takes milliseconds.
const shutdownGrace = 5 * time.Second

// Run runs the app until ctx is done, then stops it gracefully. A clean stop is
// no error.
func Run(ctx context.Context, o Options) error {
	part, err := o.Config.Part(o.Role, o.Pools)
	if err != nil {
		return err
	}
	a, err := build(ctx, o, part)
	if err != nil {
		return err
	}
	return errors.Join(a.run(ctx, o), a.Close())
}

func (a *app) run(ctx context.Context, o Options) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Config.Server.Listen)
	if err != nil {
		return fault.New(fault.Invalid, "can't listen").At("server.listen " + o.Config.Server.Listen).Because(err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.listen(ctx, o, listener) })
	if o.Role != config.RoleWeb {
		group.Go(func() error { return a.queue.Run(ctx) })
	}
	o.Log.Info("ready", "address", listener.Addr().String(), "role", string(o.Role))
	if o.Ready != nil {
		o.Ready(listener.Addr().String())
	}
	return group.Wait()
}

// listen serves until ctx is done, then lets open requests finish.
func (a *app) listen(ctx context.Context, o Options, listener net.Listener) error {
	server := handlers.NewServer(a.edge(o)) //nolint:contextcheck // each request has its own context
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		return server.Close() // a client that is slow on purpose
	}
	return nil
}

// edge is what the listener shows: a worker takes no webhooks.
func (a *app) edge(o Options) handlers.Options {
	edge := handlers.Options{Ready: a.store.Ping, Metrics: a.metrics, Log: o.Log}
	if o.Role != config.RoleWorker {
		edge.Providers, edge.Inbox, edge.Releases = a.providers, a.bot, a.deploy
	}
	return edge
}
