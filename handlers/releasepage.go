package handlers

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

// Releases reads what a release's page shows; deploy.Service is one.
//
// A release's id can't be guessed and stands only where its readers are: in the
// comments of its own pull request, in the log and in the ledgers. So knowing it
// is the right to see the page, which shows no more than those comments do, is
// kept by no cache, found by no search engine and told to no other site.
type Releases interface {
	// Rollout reads a release's way through the environments; an unknown release
	// is an error with the code not_found.
	Rollout(ctx context.Context, releaseID string) (deploy.Rollout, error)
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// pages are parsed at first use: commands other than serve show none.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"glyph":   glyph,
		"took":    took,
		"percent": percent,
		"masked":  func(text string) string { return quoted.ReplaceAllString(text, "'…'") },
		"short":   func(sha string) string { return sha[:min(len(sha), 8)] },
	}).ParseFS(templateFiles, "templates/*.html"))
})

func assets() echo.HandlerFunc {
	return echo.WrapHandler(http.FileServerFS(assetFiles))
}

func releasePage(o Options) echo.HandlerFunc {
	return func(c echo.Context) error {
		html, err := renderRollout(c.Request().Context(), o.Releases, c.Param("id"), "release.html")
		if err != nil {
			return pageError(c, o, err)
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.HTML(http.StatusOK, html)
	}
}

func renderRollout(ctx context.Context, releases Releases, id, name string) (string, error) {
	rollout, err := releases.Rollout(ctx, id)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	if err := pages().ExecuteTemplate(&page, name, rollout); err != nil {
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

// quoted is what others named themselves in a database's words, which a page
// without login keeps to itself.
var quoted = regexp.MustCompile(`'[^']*'`)

// percent is how much of a statement's phase is done, "" when that isn't known.
func percent(p deploy.Progress) string {
	n, known := p.Percent()
	if !known {
		return ""
	}
	return strconv.Itoa(n)
}

// took is how long something ran, or has been running.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "—"
	}
	return to.Sub(from).Round(100 * time.Millisecond).String()
}
