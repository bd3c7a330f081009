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
	writeTimeout      = 45 * time.Second // from the header's end; a live page extends it with every write
	idleTimeout       = 2 * time.Minute
)

// NewServer returns an HTTP server for the edge; its address is the caller's to
// choose. Its Shutdown ends the live pages, which would never end by themselves.
func NewServer(o Options) *http.Server {
	stopping := make(chan struct{})
	server := &http.Server{
		Handler:           routes(o, stopping),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(stopping) })
	return server
}

// New returns the edge's routes alone, for another server.
func New(o Options) http.Handler { return routes(o, nil) }

func routes(o Options, stopping <-chan struct{}) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(logged(o.Log), recovered(o.Log), securityHeaders())

	e.GET("/", home)
	e.POST("/webhooks/:name", webhook(o), traced, countDeliveries(o))
	e.GET("/healthz", health)
	e.GET("/readyz", ready(o))
	e.GET("/metrics", echo.WrapHandler(metricsHandler(o.Metrics)))
	if o.Releases != nil {
		e.GET("/releases/:id", releasePage(o))
		e.GET("/releases/:id/events", newLive(o, stopping).events)
		e.GET("/assets/*", assets())
	}
	return e
}

// home tells a person that the address is right. It lists nothing: who may see a
// release has its link from the pull request.
func home(c echo.Context) error {
	return c.String(http.StatusOK, "ShipSQL is running. The pages of releases are linked from their pull requests.\n")
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
