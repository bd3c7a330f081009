package handlers

import (
	"log/slog"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// deliveryKey is where a webhook's delivery waits for the log.
const deliveryKey = "delivery"

// logged writes a line per request: webhooks at info, the rest (probes, pages)
// at debug. It names the route, not the address: a release's address is the
// right to see it.
func logged(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			if err := next(c); err != nil {
				c.Error(err) // writes the answer, so that its status is known here
			}
			level := slog.LevelDebug
			if strings.HasPrefix(c.Path(), "/webhooks/") {
				level = slog.LevelInfo
			}
			log.Log(c.Request().Context(), level, "request", requestFields(c, time.Since(began))...)
			return nil
		}
	}
}

func requestFields(c echo.Context, took time.Duration) []any {
	fields := []any{
		"method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
		"took", took.Round(time.Microsecond), "from", c.RealIP(),
	}
	if delivery, ok := c.Get(deliveryKey).(string); ok {
		outcome, _ := c.Get(outcomeKey).(string)
		fields = append(fields, "delivery", delivery, "outcome", outcome)
	}
	return fields
}
