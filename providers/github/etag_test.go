package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/providers/github"
)

func TestUnchangedDataCostsAConditionalRequest(t *testing.T) {
	var mu sync.Mutex
	version, title := `"v1"`, "one"
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("ETag", version)
		if r.Header.Get("If-None-Match") == version {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		answer(w, http.StatusOK, fmt.Sprintf(`{"number":1,"title":%q}`, title))
	})
	type request struct {
		method, route string
		status        int
	}
	var told []request
	p := f.provider(t, func(o *github.Options) {
		o.OnRequest = func(method, route string, status int) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, request{method, route, status})
		}
	})
	read := func(want string) {
		t.Helper()
		if pr, err := p.PullRequest(t.Context(), orders, 1); err != nil || pr.Title != want {
			t.Errorf("title %q, %v; want %q", pr.Title, err, want)
		}
	}
	read("one")
	read("one")
	mu.Lock()
	version, title = `"v2"`, "two"
	mu.Unlock()
	read("two")
	read("two")
	const pulls = "repos/*/*/pulls/*"
	want := []request{
		{"GET", "repos/*/*/installation", 200}, {"POST", "app/installations/*/access_tokens", 201},
		{"GET", pulls, 200}, {"GET", pulls, 304}, {"GET", pulls, 200}, {"GET", pulls, 304},
	}
	if diff := cmp.Diff(want, told, cmp.AllowUnexported(request{})); diff != "" {
		t.Error(diff)
	}
}

// What one identity may see is never confirmed to another.
func TestACopyBelongsToItsInstallation(t *testing.T) {
	f := newFake(t, http.NotFound)
	f.mux.HandleFunc("GET /api/v3/repos/acme/orders/pulls/1", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !f.valid(r):
			answer(w, http.StatusNotFound, `{}`)
		case r.Header.Get("If-None-Match") != "":
			t.Error("a copy of another installation is asked about")
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", `"v1"`)
			answer(w, http.StatusOK, `{"number":1}`)
		}
	})
	p := f.provider(t)
	for _, installation := range []int64{11, 12} {
		f.install(installation)
		if pr, err := p.PullRequest(t.Context(), orders, 1); err != nil || pr.Number != 1 {
			t.Errorf("installation %d: %+v, %v", installation, pr, err)
		}
	}
}

func TestLargeAnswersAreReadButNotKept(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			t.Error("a large answer was kept")
		}
		w.Header().Set("ETag", `"v1"`)
		answerJSON(w, object{"number": 1, "title": long})
	})
	p := f.provider(t)
	for range 2 {
		if pr, err := p.PullRequest(t.Context(), orders, 1); err != nil || pr.Title != long {
			t.Fatalf("%d bytes, %v", len(pr.Title), err)
		}
	}
}
