package serve

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/queue"
)

// watch is the collector of what an operator alerts on: whether the parts that
// this process stands on are there, and whether anything is stuck. It asks the
// store when it is scraped, so every process tells the same of the queue.
type watch struct {
	log   *slog.Logger
	ping  func(context.Context) error
	now   func() time.Time // the store's clock
	queue *queue.Queue
	bell  queue.Bell
	pools []string // those of the configuration
}

// scrapePatience is how long a scrape waits for the store.
const scrapePatience = 5 * time.Second

var (
	storeUp       = prometheus.NewDesc("shipsql_store_up", "Whether the store answered this process: 1 or 0.", nil, nil)
	bellUp        = prometheus.NewDesc("shipsql_bell_up", "Whether the bell between processes (Redis) answered last: 1 or 0. Without it jobs are found by polling.", nil, nil)
	jobs          = prometheus.NewDesc("shipsql_jobs", "Jobs that are not done, by kind and state. Dead ones were given up and wait for a person.", []string{"kind", "state"}, nil)
	oldestJob     = prometheus.NewDesc("shipsql_oldest_job_seconds", "How long the job that is due longest has been due, behind others of its database or pull request too; 0: none is due.", nil, nil)
	workersOnline = prometheus.NewDesc("shipsql_workers", "Processes that run jobs of the pool now, over all nodes.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector.
func (w watch) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{storeUp, bellUp, jobs, oldestJob, workersOnline} {
		to <- desc
	}
}

// Collect implements prometheus.Collector. What the store doesn't tell is
// absent, not zero.
func (w watch) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(bellUp, truth(w.bellUp()))
	err := w.ping(ctx)
	gauge(storeUp, truth(err == nil))
	for _, read := range []func(context.Context, setGauge) error{w.jobs, w.oldest, w.workers} {
		if err == nil {
			err = read(ctx, gauge)
		}
	}
	if err != nil {
		w.log.Warn("The store can't be read for a scrape", "error", err)
	}
}

// setGauge gives a metric its value.
type setGauge func(desc *prometheus.Desc, value float64, labels ...string)

func (w watch) jobs(ctx context.Context, gauge setGauge) error {
	stats, err := w.queue.Stats(ctx)
	for _, s := range stats {
		gauge(jobs, float64(s.Jobs), s.Kind, string(s.State))
	}
	return err
}

func (w watch) oldest(ctx context.Context, gauge setGauge) error {
	oldest, ok, err := w.queue.Oldest(ctx)
	if err != nil {
		return err
	}
	age := 0.0
	if ok {
		age = max(0, w.now().Sub(oldest.Since).Seconds())
	}
	gauge(oldestJob, age)
	return nil
}

func (w watch) workers(ctx context.Context, gauge setGauge) error {
	workers, err := w.queue.Workers(ctx)
	if err != nil {
		return err
	}
	online := map[string]int{}
	for _, pool := range w.pools {
		online[pool] = 0
	}
	for _, worker := range workers {
		for _, pool := range worker.Pools {
			if worker.Online {
				online[pool]++
			}
		}
	}
	for pool, n := range online {
		gauge(workersOnline, float64(n), cmp.Or(pool, config.DefaultPool))
	}
	return nil
}

// bellUp asks a bell that knows; one inside of this process can't be lost.
func (w watch) bellUp() bool {
	remote, ok := w.bell.(interface{ Up() bool })
	return !ok || remote.Up()
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// newBuildInfo is the metric that says which version runs.
func newBuildInfo(version string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "shipsql_build_info", Help: "1, with the version of ShipSQL and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	return info
}
