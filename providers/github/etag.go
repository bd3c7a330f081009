package github

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// The cache holds at most cacheEntries × cacheBody = 64 MiB.
const (
	cacheEntries = 256
	cacheBody    = 256 << 10
)

// cached is an answer the forge may confirm with a 304, which is free of the
// primary rate limit.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
type cached struct {
	etag   string
	header http.Header
	body   []byte
}

// conditional turns reads into conditional requests. Entries belong to one
// identity: what one installation may see is never answered to another.
type conditional struct {
	next  http.RoundTripper
	store *lru.Cache[string, cached]
	owner string // whose answers these are
}

// RoundTrip answers from the cache when, and only when, the forge says 304.
func (c *conditional) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return c.next.RoundTrip(req)
	}
	key := strings.Join([]string{c.owner, req.Header.Get("Accept"), req.URL.String()}, " ")
	known, ok := c.store.Get(key)
	if ok {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", known.etag)
	}
	resp, err := c.next.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case ok && resp.StatusCode == http.StatusNotModified:
		return known.answer(resp), nil
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		return resp, c.keep(key, resp)
	}
	return resp, nil
}

// answer makes the full answer out of a 304, whose headers are the newer ones.
func (c cached) answer(resp *http.Response) *http.Response {
	_ = resp.Body.Close()
	full := *resp
	full.Status, full.StatusCode = "200 OK", http.StatusOK
	full.Header = c.header.Clone()
	maps.Copy(full.Header, resp.Header)
	full.Body = io.NopCloser(bytes.NewReader(c.body))
	full.ContentLength = int64(len(c.body))
	return &full
}

// keep stores a small answer; a large one stays a stream. The body is readable
// from its start again afterwards.
func (c *conditional) keep(key string, resp *http.Response) error {
	start, err := io.ReadAll(io.LimitReader(resp.Body, cacheBody+1))
	if err != nil {
		_ = resp.Body.Close()
		return err
	}
	if len(start) <= cacheBody {
		c.store.Add(key, cached{etag: resp.Header.Get("ETag"), header: resp.Header.Clone(), body: start})
	}
	resp.Body = rest{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return nil
}

// rest reads from one and closes the other.
type rest struct {
	io.Reader
	io.Closer
}
