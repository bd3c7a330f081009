package github

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Limits of what we read from the forge.
const (
	maxAnswer      = 64 << 20        // bytes of one API answer; a full tree has 7 MB
	maxArchive     = 1 << 30         // bytes of one compressed archive
	archiveTimeout = 5 * time.Minute // for one archive
)

// wire is the layer next to the network: it names us, bounds time and size of
// each request with its answer, and tells of it.
type wire struct {
	o       Options
	apiPath string // path of the API's root; "" for requests outside of the API
	timeout time.Duration
	limit   int64 // bytes of an answer's body
}

// RoundTrip sends the request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), w.timeout)
	req = req.Clone(ctx)
	req.Header.Set("User-Agent", w.agent())
	resp, err := w.o.Transport.RoundTrip(req)
	w.tell(req, resp)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: http.MaxBytesReader(nil, resp.Body, w.limit), cancel: cancel}
	return resp, nil
}

func (w *wire) agent() string {
	if w.o.Version == "" {
		return "ShipSQL"
	}
	return "ShipSQL/" + w.o.Version
}

func (w *wire) tell(req *http.Request, resp *http.Response) {
	if w.o.OnRequest == nil {
		return
	}
	status, name := 0, "archive"
	if resp != nil {
		status = resp.StatusCode
	}
	if w.apiPath != "" {
		name = route(strings.TrimPrefix(req.URL.Path, w.apiPath))
	}
	w.o.OnRequest(req.Method, name, status)
}

// boundedBody frees the request's timer with its body.
type boundedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *boundedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// routeWord is a fixed part of an API path. Names and numbers aren't in the
// list, so a metric labelled by route has few values.
var routeWord = regexp.MustCompile(`^(access_tokens|app|attempts|branches|check-runs|collaborators|comments|commits|compare|config|` +
	`deliveries|deployments|files|git|hook|installation|installations|issues|memberships|orgs|permission|pulls|reactions|repos|repositories|` +
	`reviews|statuses|tarball|teams|trees|blobs)$`)

// route is an API path (without its root) with names and numbers left out.
func route(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		named := parts[0] == "repos" && (i == 1 || i == 2) // owner and name may be any word
		if named || !routeWord.MatchString(part) {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}
