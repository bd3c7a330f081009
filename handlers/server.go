package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shipsql/shipsql/providers"
)

// Options are what the edge stands on.
type Options struct {
	Providers map[string]providers.Provider // by the name in the webhook's path
	Inbox     Inbox
	Releases  Releases                    // nil: no live pages
	Ready     func(context.Context) error // nil error: this process can do its work
	Metrics   *prometheus.Registry
	Log       *slog.Logger
}

// Timeouts of the listener. A forge gives a webhook 10 s; reading 25 MiB over a
// slow line may take most of that.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
)

// NewServer returns an HTTP server for the edge; its address is the caller's to
// choose. There is no write timeout, because live pages stay open.
func NewServer(o Options) *http.Server {
	return &http.Server{
		Handler:           New(o),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
}

// New returns the edge's routes. The handlers are plain net/http handlers, so
// that echo is only their router.
func New(o Options) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(recovered(o.Log), securityHeaders())

	e.POST("/webhooks/:name", webhook(o), countDeliveries(o))
	e.GET("/healthz", health)
	e.GET("/readyz", ready(o))
	e.GET("/metrics", echo.WrapHandler(metricsHandler(o.Metrics)))
	if o.Releases != nil {
		e.GET("/releases/:id", releasePage(o))
		e.GET("/releases/:id/events", releaseEvents(o))
		e.GET("/assets/*", assets())
	}
	return e
}

// recovered turns a panic into a 500 and a log line; the process lives on.
func recovered(log *slog.Logger) echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			log.Error("a handler panicked", "error", err, "route", c.Path(), "stack", string(stack))
			return echo.ErrInternalServerError
		},
	})
}

func securityHeaders() echo.MiddlewareFunc {
	return middleware.SecureWithConfig(middleware.SecureConfig{
		ContentTypeNosniff:    "nosniff",
		XFrameOptions:         "DENY",
		ContentSecurityPolicy: "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		ReferrerPolicy:        "no-referrer",
	})
}
