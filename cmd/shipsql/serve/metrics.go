package serve

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/queue"
)

// meters are the metrics of rooms that know nothing of Prometheus. No label
// names a repository or a database: that would make them grow without bound,
// and tell too much.
type meters struct {
	attempts      *prometheus.CounterVec
	jobSeconds    *prometheus.HistogramVec
	taskSeconds   prometheus.Histogram
	forgeRequests *prometheus.CounterVec
	recovered     *prometheus.CounterVec
}

func newMeters(registry *prometheus.Registry) *meters {
	m := &meters{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shipsql_job_attempts_total", Help: "Attempts of jobs by kind and outcome.",
		}, []string{"kind", "outcome"}),
		jobSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "shipsql_job_seconds", Help: "How long attempts of jobs took.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 9), // 10 ms … 11 min
		}, []string{"kind"}),
		taskSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "shipsql_task_seconds", Help: "How long runs on one database took, waiting for its lock included.",
			Buckets: prometheus.ExponentialBuckets(0.05, 4, 9), // 50 ms … 55 min
		}),
		forgeRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shipsql_forge_requests_total", Help: "Requests to forges; status 0 is no answer.",
		}, []string{"provider", "method", "route", "status"}),
		recovered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shipsql_deliveries_recovered_total", Help: "Webhooks that a forge could not hand over and that were asked for later.",
		}, []string{"provider"}),
	}
	registry.MustRegister(m.attempts, m.jobSeconds, m.taskSeconds, m.forgeRequests, m.recovered)
	return m
}

func (m *meters) job(kind string, outcome queue.Outcome, took time.Duration) {
	m.attempts.WithLabelValues(kind, string(outcome)).Inc()
	m.jobSeconds.WithLabelValues(kind).Observe(took.Seconds())
	if kind == deploy.JobTask {
		m.taskSeconds.Observe(took.Seconds())
	}
}

// delivered counts a webhook that came late.
func (m *meters) delivered(provider string) { m.recovered.WithLabelValues(provider).Inc() }

func (m *meters) forgeRequest(provider string) func(method, route string, status int) {
	return func(method, route string, status int) {
		m.forgeRequests.WithLabelValues(provider, method, route, strconv.Itoa(status)).Inc()
	}
}
