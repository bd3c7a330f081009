package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health says only that the process answers; versions would help attackers.
func health(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// ready says whether the process can do its work; the reason stays in the log.
func ready(o Options) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := o.Ready(c.Request().Context()); err != nil {
			o.Log.Warn("not ready", "error", err)
			return c.String(http.StatusServiceUnavailable, "not ready\n")
		}
		return c.String(http.StatusOK, "ok\n")
	}
}

func metricsHandler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
