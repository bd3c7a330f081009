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
	// Drain is how long a process that stops goes on to answer those who route
	// requests by /readyz, for tests; 0: 5 s.
	Drain time.Duration

	patience time.Duration // how long to wait for a store that can't be reached
}

// Run runs the app until ctx is done, then stops it gracefully. A clean stop is
// no error.
func Run(ctx context.Context, o Options) (err error) {
	o.Log, o.patience = safe(o.Log), bootPatience
	part, err := o.Config.Part(o.Role, o.Pools)
	if err != nil {
		return err
	}
	if err := checkDatabases(o, part); err != nil {
		return err
	}
	unlock, err := lockStore(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	defer openTracing(ctx, o)()
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
	group.Go(func() error { a.store.Maintain(ctx, o.Log); return nil })
	if o.Role != config.RoleWeb {
		group.Go(func() error { return a.queue.Run(ctx) })
	}
	o.Log.Info("ready", "address", listener.Addr().String(), "role", string(o.Role))
	if o.Ready != nil {
		o.Ready(listener.Addr().String())
	}
	return group.Wait()
}
