package serve

import (
	"cmp"
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/handlers"
	"github.com/shipsql/shipsql/internal/fault"
)

// The end of a listener. Together with the queue's grace it stays below the 30 s
// that Kubernetes gives a pod.
const (
	// drainFor is how long a process goes on to answer while /readyz says that it
	// must not be asked any more: load balancers and Kubernetes take seconds to
	// act on it.
	drainFor = 5 * time.Second
	// probedWithin is how old the last question to /readyz may be for somebody to
	// route by it; where nobody does, the listener closes at once.
	probedWithin = time.Minute
	// shutdownGrace is how long open requests may take after that; a webhook's
	// answer takes milliseconds.
	shutdownGrace = 5 * time.Second
	// pingPatience is how long /readyz waits for the store: less than probes do.
	pingPatience = 2 * time.Second
)

// readiness answers /readyz: whether requests should be sent to this process. It
// is safe for concurrent use.
type readiness struct {
	ping     func(context.Context) error
	draining atomic.Bool
	asked    atomic.Int64 // when /readyz was last asked, in Unix seconds; 0: never
}

// check is nil when the store answers and the process isn't about to stop.
func (r *readiness) check(ctx context.Context) error {
	r.asked.Store(time.Now().Unix())
	if r.draining.Load() {
		return fault.New(fault.Conflict, "the process is stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	return r.ping(ctx)
}

// routedBy says whether somebody asks /readyz, and so may route by it.
func (r *readiness) routedBy() bool {
	return time.Since(time.Unix(r.asked.Load(), 0)) < probedWithin
}

// listen serves until ctx is done, then tells those who route requests here,
// and lets open requests finish.
func (a *app) listen(ctx context.Context, o Options, listener net.Listener) error {
	ready := &readiness{ping: a.store.Ping}
	server := handlers.NewServer(a.edge(o, ready)) //nolint:contextcheck // each request has its own context
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ready.draining.Store(true)
	if ready.routedBy() {
		o.Log.Info("stopping: /readyz says so before the listener closes")
		select {
		case err := <-ended:
			return err
		case <-time.After(cmp.Or(o.Drain, drainFor)):
		}
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		return server.Close() // a client that is slow on purpose
	}
	return nil
}

// edge is what the listener shows: a worker takes no webhooks.
func (a *app) edge(o Options, ready *readiness) handlers.Options {
	edge := handlers.Options{Ready: ready.check, Metrics: a.metrics, Log: o.Log}
	if o.Role != config.RoleWorker {
		edge.Providers, edge.Inbox, edge.Releases = a.providers, a.bot, a.deploy
	}
	return edge
}
