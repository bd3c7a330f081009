package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// refreshEvery is how often an open page asks the store for news. The store
	// is asked, not a local event: the work may happen in another process.
	refreshEvery = time.Second
	// heartbeat keeps proxies from closing a quiet stream, and finds readers that
	// went without a word.
	heartbeat = 15 * time.Second
	// maxLive is how many live pages are open at once.
	maxLive = 200
)

// live streams the changing part of release pages as server-sent events.
type live struct {
	options  Options
	stopping <-chan struct{} // closed when the server shuts down
	seats    chan struct{}
}

func newLive(o Options, stopping <-chan struct{}) *live {
	return &live{options: o, stopping: stopping, seats: make(chan struct{}, maxLive)}
}

// events streams one page until the reader leaves or the server stops; the
// browser then connects again by itself.
func (l *live) events(c echo.Context) error {
	select {
	case l.seats <- struct{}{}:
		defer func() { <-l.seats }()
	default:
		return c.String(http.StatusServiceUnavailable, "Too many pages are open; reload this one to see news.\n")
	}
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for s := (stream{response: c.Response()}); ; {
		html, err := renderRollout(c.Request().Context(), l.options.Releases, c.Param("id"), "rollout")
		if err != nil {
			return s.fail(c, l.options, err)
		}
		if err := s.send(html); err != nil {
			return nil // the reader left
		}
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-l.stopping:
			return nil
		case <-tick.C:
		}
	}
}

// stream is one open page.
type stream struct {
	response *echo.Response
	last     string    // what the page shows
	written  time.Time // when something was last sent
}

// send writes the page's new part if it changed, or a heartbeat when it is time.
func (s *stream) send(html string) error {
	text := ": still here\n\n"
	switch {
	case html != s.last:
		text = event(html)
	case time.Since(s.written) < heartbeat:
		return nil
	}
	s.response.Header().Set(echo.HeaderContentType, "text/event-stream")
	s.response.Header().Set(echo.HeaderCacheControl, "no-store")
	s.response.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	control := http.NewResponseController(s.response)
	// Without deadlines (a test's recorder) there is nothing to extend.
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.response.Write([]byte(text)); err != nil {
		return err
	}
	s.last, s.written = html, time.Now()
	return control.Flush()
}

// fail answers with an error page, or ends a stream that began.
func (s *stream) fail(c echo.Context, o Options, err error) error {
	if s.response.Committed {
		o.Log.Warn("a live page ended", "error", err)
		return nil
	}
	return pageError(c, o, err)
}

// event is the text of one server-sent event.
func event(data string) string {
	var b strings.Builder
	for line := range strings.Lines(data) {
		fmt.Fprintf(&b, "data: %s\n", strings.TrimRight(line, "\r\n"))
	}
	return b.String() + "\n"
}
