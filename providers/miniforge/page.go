package miniforge

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/page"
)

// contentPolicy lets pages use nothing but the forge's own style and script.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// newPage serves the web pages. They have no log-in, so they answer only under
// a loopback name (a foreign site may point its own name here) and take no
// POST from another origin.
func (f *Forge) newPage() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", f.indexPage)
	mux.HandleFunc("GET /avatars/{login}", avatar)
	mux.HandleFunc("GET /_assets/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, page.Assets(), r.PathValue("file"))
	})
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}", f.pullPage)
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}/events", f.pullEvents)
	mux.HandleFunc("POST /{owner}/{repo}/pull/{number}/{act}", f.act)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostname(r.Host)) {
			http.Error(w, "this page is for loopback only", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		guarded.ServeHTTP(w, r)
	})
}

func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	return host
}

func avatar(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = io.WriteString(w, page.Avatar(r.PathValue("login")))
}

func (f *Forge) indexPage(w http.ResponseWriter, _ *http.Request) {
	view := read(f, (*State).indexView)
	show(w, func(into io.Writer) error { return page.WriteIndex(into, view) })
}

// place is the pull request that a page's path names.
func place(r *http.Request) (repo string, number int) {
	number, _ = strconv.Atoi(r.PathValue("number"))
	return r.PathValue("owner") + "/" + r.PathValue("repo"), number
}

// pullView reads what the page of a pull request shows.
func (f *Forge) pullView(r *http.Request) (page.Pull, error) {
	repo, number := place(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.state.pull(repo, number)
	if err != nil {
		return page.Pull{}, err
	}
	return f.state.pullView(p), nil
}

func (f *Forge) pullPage(w http.ResponseWriter, r *http.Request) {
	view, err := f.pullView(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	show(w, func(into io.Writer) error { return page.WritePull(into, view) })
}

// show sends a page whole or not at all.
func show(w http.ResponseWriter, render func(io.Writer) error) {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}

// refreshEvery bounds how often a page is told to refresh.
const refreshEvery = 150 * time.Millisecond

// pullEvents tells the page, by server-sent events, when it looks different.
func (f *Forge) pullEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	shown, version := f.fingerprint(r), 0
	if _, err := io.WriteString(w, "retry: 1000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	for {
		err := f.Wait(r.Context(), func(s *State) bool {
			changed := s.version != version
			version = s.version
			return changed
		})
		if err != nil {
			return
		}
		if now := f.fingerprint(r); now != shown {
			shown = now
			if _, err := fmt.Fprintf(w, "event: change\ndata: %d\n\n", version); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-time.After(refreshEvery):
		case <-r.Context().Done():
			return
		}
	}
}

// fingerprint is a hash of the page as it would be shown now.
func (f *Forge) fingerprint(r *http.Request) uint64 {
	view, err := f.pullView(r)
	if err != nil {
		return 0
	}
	h := fnv.New64a()
	_ = page.WritePull(h, view)
	return h.Sum64()
}

// act does what a form of the page asks for, as the person chosen there.
func (f *Forge) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form can't be read", http.StatusBadRequest)
		return
	}
	if err := f.actOn(r); err != nil {
		http.Error(w, err.Error(), pageStatus(err))
		return
	}
	repo, number := place(r)
	http.Redirect(w, r, fmt.Sprintf("/%s/pull/%d", repo, number), http.StatusSeeOther)
}

func (f *Forge) actOn(r *http.Request) error {
	repo, number := place(r)
	user := r.PostForm.Get("user")
	id := func(field string) int64 {
		n, _ := strconv.ParseInt(r.PostForm.Get(field), 10, 64)
		return n
	}
	switch r.PathValue("act") {
	case "comment":
		_, err := f.CommentAs(repo, number, user, r.PostForm.Get("body"))
		return err
	case "merge":
		_, err := f.Merge(repo, number, MergeOptions{By: user, Method: MergeMethod(r.PostForm.Get("method"))})
		return err
	case "suggestion":
		_, err := f.CommitSuggestion(repo, number, id("comment"), user)
		return err
	case "check":
		if action := r.PostForm.Get("action"); action != "" {
			return f.RequestAction(repo, id("check"), action, user)
		}
		return f.Rerequest(repo, id("check"), user)
	}
	return fault.New(fault.NotFound, "there is no such button")
}

func pageStatus(err error) int {
	switch fault.CodeOf(err) {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	}
	return http.StatusBadRequest
}
