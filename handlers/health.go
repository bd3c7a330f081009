package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// health says only that the process answers; a version would help attackers.
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
