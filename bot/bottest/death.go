package bottest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
)

// death is the request after which the app dies.
type death struct {
	mu                 sync.Mutex
	method, path, body string
	struck             bool // and the app was not started again yet
}

// DieAfter kills the app at the moment the forge has carried out the next
// request that matches and before its answer is heard. The story starts it again
// as soon as it looks.
// path is a path.Match pattern below the API's root; body a part of the body.
func (w *World) DieAfter(method, path, body string) {
	w.death.mu.Lock()
	defer w.death.mu.Unlock()
	w.death.method, w.death.path, w.death.body = method, path, body
}

// Died says whether the app has died of DieAfter.
func (w *World) Died() bool {
	w.death.mu.Lock()
	defer w.death.mu.Unlock()
	return w.death.method == ""
}

// revive starts the app again if it has died of DieAfter.
func (w *World) revive() (died bool) {
	w.tb.Helper()
	w.death.mu.Lock()
	struck := w.death.struck
	w.death.struck = false
	w.death.mu.Unlock()
	if struck {
		w.Start()
	}
	return struck
}

// strikes says whether a request is the one, once.
func (d *death) strikes(r *http.Request, body []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	fits, err := path.Match(d.path, strings.TrimPrefix(r.URL.Path, "/api/v3/"))
	if d.method == "" || d.method != r.Method || err != nil || !fits || !strings.Contains(string(body), d.body) {
		return false
	}
	d.method = ""
	return true
}

// deadly carries DieAfter out.
func (w *World) deadly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the app is gone already
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !w.death.strikes(r, body) {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		w.death.mu.Lock() // who finds the app down waits to learn why
		w.Stop()
		w.death.struck = true
		w.death.mu.Unlock()
		panic(http.ErrAbortHandler) // the documented way to cut a connection
	})
}
