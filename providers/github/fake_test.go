package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/time/rate"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

const (
	appID         = 7
	webhookSecret = "a webhook secret of the tests"
)

// orders is the repository of the tests against scripted answers.
var orders = providers.Repo{Provider: "ghe", Owner: "acme", Name: "orders"}

var privateKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// note is a new comment with a marker of its own.
func note(body string) providers.Note { return providers.Note{Marker: "<!-- n -->", Body: body} }

// fake answers with scripted responses, for what the mini forge would never
// do. It knows installations and tokens; the rest is in the test's handler.
type fake struct {
	*httptest.Server
	mux          *http.ServeMux
	mu           sync.Mutex
	installation int64 // 0: not installed
	suspended    bool
	tokens       int      // given so far
	seen         []string // "GET /repos/acme/orders", without installations and tokens
}

func newFake(t *testing.T, api http.HandlerFunc) *fake {
	t.Helper()
	mux := http.NewServeMux()
	f := &fake{mux: mux, installation: 11}
	mux.HandleFunc("GET /api/v3/{kind}/{owner}/{name}/installation", f.findInstallation)
	mux.HandleFunc("GET /api/v3/orgs/{owner}/installation", f.findInstallation)
	mux.HandleFunc("POST /api/v3/app/installations/{id}/access_tokens", f.makeToken)
	mux.HandleFunc("/api/v3/", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v3"))
		f.mu.Unlock()
		api(w, r)
	})
	mux.HandleFunc("/", api)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) findInstallation(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.installation == 0:
		answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
	case f.suspended:
		answer(w, http.StatusOK, fmt.Sprintf(`{"id":%d,"suspended_at":"2026-01-01T00:00:00Z"}`, f.installation))
	default:
		answer(w, http.StatusOK, fmt.Sprintf(`{"id":%d}`, f.installation))
	}
}

func (f *fake) makeToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.PathValue("id") != fmt.Sprint(f.installation) || f.suspended {
		answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
		return
	}
	f.tokens++
	answer(w, http.StatusCreated, fmt.Sprintf(`{"token":"token-%d-%d","expires_at":"2099-01-01T00:00:00Z"}`, f.installation, f.tokens))
}

// install makes another installation the valid one; 0 for none.
func (f *fake) install(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.installation = id
}

func (f *fake) suspend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.suspended = true
}

// valid says if a request carries a token of the installation.
func (f *fake) valid(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.HasPrefix(r.Header.Get("Authorization"), fmt.Sprintf("token token-%d-", f.installation))
}

// calls are the requests to the handler so far.
func (f *fake) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// provider makes a provider for the fake, with a write budget that never waits.
func (f *fake) provider(t *testing.T, change ...func(*github.Options)) *github.Provider {
	t.Helper()
	o := github.Options{WriteRate: rate.Inf, Transport: f.Client().Transport}
	for _, c := range change {
		c(&o)
	}
	return provider(t, config(f.URL), o)
}

func config(baseURL string) github.Config {
	return github.Config{
		Name: "ghe", BaseURL: baseURL, AppID: appID,
		PrivateKey: secret.Literal(privateKey()), WebhookSecrets: []secret.Source{secret.Literal(webhookSecret)},
	}
}

func provider(t testing.TB, cfg github.Config, o github.Options) *github.Provider {
	t.Helper()
	p, err := github.New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func answerJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	answer(w, http.StatusOK, string(body))
}

// always gives every request the same answer.
func always(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body) }
}
