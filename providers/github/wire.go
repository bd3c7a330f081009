package github

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Limits of what we read from the forge.
const (
	maxAnswer      = 64 << 20        // bytes of one API answer; a full tree has 7 MB
	maxArchive     = 1 << 30         // bytes of one compressed archive
	archiveTimeout = 5 * time.Minute // for one archive
)

// wire is the layer next to the network: it names us, bounds time and size of
// each request with its answer, and tells of it, as a span too.
type wire struct {
	o       Options
	apiPath string // path of the API's root; "" for requests outside of the API
	timeout time.Duration
	limit   int64 // bytes of an answer's body
}

// RoundTrip sends the request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	name := w.route(req)
	ctx, span := startSpan(req, name)
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	req = req.Clone(ctx)
	req.Header.Set("User-Agent", w.agent())
	resp, err := w.o.Transport.RoundTrip(req)
	if w.o.OnRequest != nil {
		w.o.OnRequest(req.Method, name, answered(resp))
	}
	describe(span, answered(resp))
	if err != nil {
		span.End()
		cancel()
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: http.MaxBytesReader(nil, resp.Body, w.limit), done: sync.OnceFunc(func() { span.End(); cancel() })}
	return resp, nil
}

// route is the request's route; an archive's address outside of the API has none.
func (w *wire) route(req *http.Request) string {
	if w.apiPath == "" {
		return "archive"
	}
	return route(strings.TrimPrefix(req.URL.Path, w.apiPath))
}

// answered is an answer's status, 0 without one.
func answered(resp *http.Response) int {
	if resp == nil {
		return 0
	}
	return resp.StatusCode
}

func (w *wire) agent() string {
	if w.o.Version == "" {
		return "ShipSQL"
	}
	return "ShipSQL/" + w.o.Version
}

// boundedBody ends the request's timer and span with its body: at its end, since
// go-github doesn't close the body of an error, or when it is closed before.
type boundedBody struct {
	io.ReadCloser
	done func()
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.done()
	}
	return n, err
}

func (b *boundedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// routeWord is a fixed part of an API path. Names and numbers aren't in the
// list, so a metric labelled by route has few values.
var routeWord = regexp.MustCompile(`^(access_tokens|app|attempts|branches|check-runs|collaborators|comments|commits|compare|config|` +
	`deliveries|deployments|files|git|hook|installation|installations|issues|memberships|orgs|permission|pulls|reactions|repos|repositories|` +
	`reviews|rules|statuses|tarball|teams|trees|blobs)$`)

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
