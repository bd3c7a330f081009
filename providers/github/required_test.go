package github_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
)

func TestRequiredChecks(t *testing.T) {
	f := miniforge.New(miniforge.Options{Middleware: func(h http.Handler) http.Handler { return contract.Wrap(t, h) }})
	if err := f.Serve("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.AddRepo(miniforge.NewRepo{Name: "acme/orders"}); err != nil {
		t.Fatal(err)
	}
	p := provider(t, github.Config{
		Name: "github.com", BaseURL: f.URL(), AppID: f.AppID(),
		PrivateKey: secret.Literal(string(f.PrivateKeyPEM())), WebhookSecrets: []secret.Source{secret.Literal(f.WebhookSecret())},
	}, github.Options{})
	repo := providers.Repo{Provider: "github.com", Owner: "acme", Name: "orders"}
	required := func() []string {
		t.Helper()
		checks, err := p.RequiredChecks(t.Context(), repo, "main")
		if err != nil {
			t.Fatal(err)
		}
		return checks
	}
	if got := required(); len(got) != 0 {
		t.Errorf("an open branch requires %q", got)
	}
	if err := f.Protect("acme/orders", "main", "sql-review", "build"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"build", "sql-review"}, required()); diff != "" {
		t.Error(diff)
	}
}

// Rulesets are the newer way; an Enterprise Server from before them has none.
func TestRequiredChecksOfRulesets(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		rules  string
		want   []string
	}{
		"rules":      {http.StatusOK, `[{"type":"deletion"},{"type":"required_status_checks","parameters":{"required_status_checks":[{"context":"sql-review"},{"context":"build"}]}}]`, []string{"build", "sql-review"}},
		"old server": {http.StatusNotFound, `{"message":"Not Found"}`, []string{"build"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := requiredFrom(t, c.status, c.rules)
			got, err := p.RequiredChecks(t.Context(), providers.Repo{Provider: "github.com", Owner: "acme", Name: "orders", Installation: 1}, "main")
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func requiredFrom(t *testing.T, status int, rules string) *github.Provider {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(route string, status int, text string) {
		mux.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		})
	}
	answer("POST /api/v3/app/installations/1/access_tokens", http.StatusCreated, `{"token":"t","expires_at":"2099-01-01T00:00:00Z"}`)
	answer("GET /api/v3/repos/acme/orders/branches/main", http.StatusOK, `{"name":"main","protection":{"required_status_checks":{"contexts":["build"]}}}`)
	answer("GET /api/v3/repos/acme/orders/rules/branches/main", status, rules)
	answer("GET /api/v3/repos/acme/orders/installation", http.StatusOK, `{"id":1}`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f := miniforge.New(miniforge.Options{})
	return provider(t, github.Config{
		Name: "github.com", BaseURL: server.URL, AppID: 1,
		PrivateKey: secret.Literal(string(f.PrivateKeyPEM())), WebhookSecrets: []secret.Source{secret.Literal("s")},
	}, github.Options{})
}
