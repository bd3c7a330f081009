package serve

import (
	"cmp"
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	mysqlsyntax "github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/queue/redisbell"
	"github.com/shipsql/shipsql/reviewer"
	"github.com/shipsql/shipsql/store"
)

// app is every room, wired. Close ends what it opened.
type app struct {
	providers map[string]providers.Provider
	store     *store.DB
	bell      queue.Bell
	parser    *syntax.Parser
	queue     *queue.Queue
	deploy    *deploy.Service
	bot       *bot.Bot
	metrics   *prometheus.Registry
}

// build opens and wires the rooms from the store upwards; when a step fails,
// what stands already is closed again.
func build(ctx context.Context, o Options, part config.Part) (_ *app, err error) {
	a := &app{metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := newMeters(a.metrics)
	if a.providers, err = openProviders(o, m); err != nil {
		return nil, err
	}
	if err := a.openQueue(ctx, o, part, m); err != nil {
		return nil, err
	}
	return a, a.openRooms(ctx, o, m)
}

func openProviders(o Options, m *meters) (map[string]providers.Provider, error) {
	found := map[string]providers.Provider{}
	for _, cfg := range o.Config.GitHub {
		p, err := github.New(cfg, github.Options{Version: o.Version, OnRequest: m.forgeRequest(cfg.Name), WriteRate: o.WriteRate})
		if err != nil {
			return nil, err
		}
		m.recovered.WithLabelValues(p.Name()) // so that it is there before it is counted
		found[p.Name()] = p
	}
	return found, nil
}

func (a *app) openQueue(ctx context.Context, o Options, part config.Part, m *meters) error {
	var err error
	if a.store, err = openStore(ctx, o); err != nil {
		return err
	}
	if a.bell, err = openBell(o); err != nil { //nolint:contextcheck // its life ends at Close
		return err
	}
	options := o.Queue
	options.Workers = cmp.Or(options.Workers, workers)
	options.Limits = map[string]int{deploy.JobTask: longWorkers}
	options.Pools, options.Observe = part.Pools, m.job
	a.queue = queue.New(a.store, a.bell, o.Log, options)
	a.metrics.MustRegister(newBuildInfo(o.Version),
		watch{log: o.Log, ping: a.store.Ping, now: a.store.Now, queue: a.queue, bell: a.bell, pools: o.Config.Pools()})
	return nil
}

// Runs on databases may wait for a lock for half an hour. They never take all
// workers, so that a pull request is answered meanwhile.
const (
	workers     = 12
	longWorkers = 8
)

// openBell connects to Redis where one is configured. Redis is only the
// doorbell: when it is away, jobs are found later, but found.
func openBell(o Options) (queue.Bell, error) {
	if o.Config.Redis.IsZero() {
		return bell.NewLocal(), nil
	}
	return redisbell.New(o.Config.Redis, o.Log)
}

func (a *app) openRooms(ctx context.Context, o Options, m *meters) (err error) {
	a.parser = syntax.NewParser(syntax.Options{})
	engines := map[string]executor.Engine{}
	for _, e := range []executor.Engine{postgres.New(a.parser), mysql.New(mysqlsyntax.MySQL), mysql.New(mysqlsyntax.MariaDB)} {
		engines[e.Name()] = e
	}
	a.deploy, err = deploy.New(ctx, a.store, a.queue, o.Config.Deploy, deploy.Deps{
		Engines: engines, Log: o.Log, ToolVersion: o.Version,
	})
	if err != nil {
		return err
	}
	a.bot, err = bot.New(ctx, bot.Deps{
		Store: a.store, Queue: a.queue, Deploy: a.deploy,
		Reviewer: reviewer.New(a.parser), Providers: a.providers, Engines: engines,
		PublicURL: o.Config.Server.PublicURL, Log: o.Log, Clock: clock.System, Recovered: m.delivered,
	})
	if err != nil {
		return err
	}
	a.bot.Register()
	return nil
}

// Close ends what build opened, in the opposite order.
func (a *app) Close() error {
	var errs []error
	if a.parser != nil {
		errs = append(errs, a.parser.Close())
	}
	if a.bell != nil {
		errs = append(errs, a.bell.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}
