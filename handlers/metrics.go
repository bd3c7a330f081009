package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func metricsHandler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// countDeliveries counts webhooks by provider and outcome. A name nobody
// configured is counted as "unknown": a label must not be a stranger's choice.
func countDeliveries(o Options) echo.MiddlewareFunc {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shipsql_deliveries_total",
		Help: "Webhook deliveries by provider and outcome.",
	}, []string{"provider", "outcome"})
	o.Metrics.MustRegister(total)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			name := c.Param("name")
			if _, ok := o.Providers[name]; !ok {
				name = "unknown"
			}
			outcome, _ := c.Get(outcomeKey).(string)
			total.WithLabelValues(name, outcome).Inc()
			return err
		}
	}
}
