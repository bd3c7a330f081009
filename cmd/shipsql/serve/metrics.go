package serve

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/queue"
)

// meters are the metrics of rooms that know nothing of Prometheus. No label
// names a repository or a database: that would make them grow without bound,
// and tell too much.
type meters struct {
	jobs          *prometheus.CounterVec
	jobSeconds    *prometheus.HistogramVec
	forgeRequests *prometheus.CounterVec
}

func newMeters(registry *prometheus.Registry) *meters {
	m := &meters{
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shipsql_jobs_total", Help: "Attempts of jobs by kind and outcome.",
		}, []string{"kind", "outcome"}),
		jobSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "shipsql_job_seconds", Help: "How long attempts of jobs took.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 9), // 10 ms … 11 min
		}, []string{"kind"}),
		forgeRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shipsql_forge_requests_total", Help: "Requests to forges; status 0 is no answer.",
		}, []string{"provider", "method", "route", "status"}),
	}
	registry.MustRegister(m.jobs, m.jobSeconds, m.forgeRequests)
	return m
}

func (m *meters) job(kind string, outcome queue.Outcome, took time.Duration) {
	m.jobs.WithLabelValues(kind, string(outcome)).Inc()
	m.jobSeconds.WithLabelValues(kind).Observe(took.Seconds())
}

func (m *meters) forgeRequest(provider string) func(method, route string, status int) {
	return func(method, route string, status int) {
		m.forgeRequests.WithLabelValues(provider, method, route, strconv.Itoa(status)).Inc()
	}
}
