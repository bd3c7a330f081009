package handlers

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

// Releases reads what a release's page shows; deploy.Service is one.
//
// A release's id holds 80 random bits and stands only in the comments of its
// own pull request, so knowing it is the right to see the page. The page shows
// no more than those comments do.
type Releases interface {
	// Rollout reads a release's way through the environments; an unknown release
	// is an error with the code not_found.
	Rollout(ctx context.Context, releaseID string) (deploy.Rollout, error)
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"glyph": glyph,
	"took":  took,
	"short": func(sha string) string { return sha[:min(len(sha), 8)] },
}).ParseFS(templateFiles, "templates/*.html"))

// refreshEvery is how often an open page asks the store for news. The store is
// asked, not a local event, because the work may happen in another process.
const refreshEvery = time.Second

func assets() echo.HandlerFunc {
	return echo.WrapHandler(http.FileServerFS(assetFiles))
}

func releasePage(o Options) echo.HandlerFunc {
	return func(c echo.Context) error {
		html, err := renderRollout(c.Request().Context(), o.Releases, c.Param("id"), "release.html")
		if err != nil {
			return pageError(c, o, err)
		}
		return c.HTML(http.StatusOK, html)
	}
}

// releaseEvents streams the page's changing part, as often as it changes, until
// the reader leaves or nothing can change any more.
func releaseEvents(o Options) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentType, "text/event-stream")
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		tick := time.NewTicker(refreshEvery)
		defer tick.Stop()
		for last := ""; ; {
			html, err := renderRollout(c.Request().Context(), o.Releases, c.Param("id"), "rollout")
			if err != nil {
				return pageError(c, o, err)
			}
			if html != last {
				writeEvent(c.Response(), html)
				last = html
			}
			select {
			case <-c.Request().Context().Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

// writeEvent sends one server-sent event; a failed write means that the reader
// left, which the request's context says too.
func writeEvent(w *echo.Response, html string) {
	for line := range strings.Lines(html) {
		_, _ = fmt.Fprintf(w, "data: %s\n", strings.TrimRight(line, "\r\n"))
	}
	_, _ = fmt.Fprint(w, "\n")
	w.Flush()
}

func renderRollout(ctx context.Context, releases Releases, id, name string) (string, error) {
	rollout, err := releases.Rollout(ctx, id)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, rollout); err != nil {
		return "", fmt.Errorf("render the release page: %w", err)
	}
	return page.String(), nil
}

func pageError(c echo.Context, o Options, err error) error {
	if fault.CodeOf(err) == fault.NotFound {
		return c.String(http.StatusNotFound, "There is no such release.\n")
	}
	if !errors.Is(err, context.Canceled) {
		o.Log.Error("can't show a release", "release", c.Param("id"), "error", err)
	}
	return c.String(http.StatusInternalServerError, "The release can't be shown now; the log says why.\n")
}

// glyphs stand before the state's word, never instead of it.
var glyphs = map[deploy.State]string{
	deploy.Waiting: "⏸", deploy.Queued: "⏳", deploy.Running: "🔄", deploy.Done: "✅", deploy.Failed: "❌",
	deploy.Ambiguous: "❓", deploy.Skipped: "⏭", deploy.Cancelled: "⛔",
}

func glyph(s deploy.State) string { return glyphs[s] }

// took is how long something ran, or has been running.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "—"
	}
	return to.Sub(from).Round(100 * time.Millisecond).String()
}
