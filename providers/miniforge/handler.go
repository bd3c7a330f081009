package miniforge

import (
	"context"
	"net/http"
	"strings"
)

// apiFolders are the first parts of the API's paths; all else is the page.
var apiFolders = map[string]bool{
	"app": true, "installation": true, "orgs": true, "rate_limit": true, "repos": true,
	"repositories": true, "users": true,
}

type prefixKey struct{}

// prefixOf is "/api/v3" for a request that came to Enterprise Server's root.
func prefixOf(r *http.Request) string {
	prefix, _ := r.Context().Value(prefixKey{}).(string)
	return prefix
}

// newHandler serves the API under both roots, and the page. Faults stand before
// the middleware: what they answer is no answer of the fake.
func (f *Forge) newHandler() http.Handler {
	api := belowPrefix(f.newAPI())
	if f.o.Middleware != nil {
		api = f.o.Middleware(api)
	}
	api = f.withFaults(api)
	page, archive := f.newPage(), http.HandlerFunc(f.serveArchive)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case apiFolders[first] || strings.HasPrefix(r.URL.Path, enterprisePrefix+"/"):
			api.ServeHTTP(w, r)
		case first == archiveFolder:
			archive.ServeHTTP(w, r)
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// belowPrefix takes Enterprise Server's prefix off and remembers it.
func belowPrefix(next http.Handler) http.Handler {
	stripped := http.StripPrefix(enterprisePrefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, enterprisePrefix+"/") {
			next.ServeHTTP(w, r)
			return
		}
		stripped.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), prefixKey{}, enterprisePrefix)))
	})
}
