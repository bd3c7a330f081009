package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*github.Config)
		says   string
	}{
		"no name":                 {func(c *github.Config) { c.Name = "" }, "no name"},
		"no app id":               {func(c *github.Config) { c.AppID = 0 }, "app_id"},
		"empty webhook secret":    {func(c *github.Config) { c.WebhookSecrets = nil }, "webhook_secret"},
		"unset webhook secret":    {func(c *github.Config) { c.WebhookSecrets = []secret.Source{secret.Parse("env:SHIPSQL_NOT_SET", "")} }, "webhook_secret"},
		"no private key":          {func(c *github.Config) { c.PrivateKey = secret.Source{} }, "private_key"},
		"a bad private key":       {func(c *github.Config) { c.PrivateKey = secret.Literal("hunter2hunter2") }, "private_key"},
		"base_url without a host": {func(c *github.Config) { c.BaseURL = "github.com" }, "base_url"},
		"api_url of another kind": {func(c *github.Config) { c.APIURL = "ftp://ghe.example.com" }, "api_url"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("https://ghe.example.com")
			c.change(&cfg)
			_, err := github.New(cfg, github.Options{})
			if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New: %v; want an invalid error about %s", err, c.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("shows the key: %v", err)
			}
		})
	}
}

func TestNewNamesAllMistakesAtOnce(t *testing.T) {
	_, err := github.New(github.Config{BaseURL: "nowhere"}, github.Options{})
	for _, key := range []string{"base_url", "name", "app_id", "webhook_secret", "private_key"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("New: %v; want it to name %s", err, key)
		}
	}
}

// asked is a transport that only tells where a request would have gone.
type asked struct{ url string }

var errNoNetwork = errors.New("no network")

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.url = r.URL.String()
	return nil, errNoNetwork
}

func TestTheAPIRootFollowsFromTheAddresses(t *testing.T) {
	for _, c := range []struct{ base, api, want string }{
		{"", "", "https://api.github.com/"},
		{"https://github.com", "", "https://api.github.com/"},
		{"https://github.com/", "", "https://api.github.com/"},
		{"https://acme.ghe.com", "", "https://api.acme.ghe.com/"},
		{"https://ghe.example.com", "", "https://ghe.example.com/api/v3/"},
		{"https://ghe.example.com/", "", "https://ghe.example.com/api/v3/"},
		{"https://ghe.example.com:8443", "", "https://ghe.example.com:8443/api/v3/"},
		{"https://ghe.example.com", "https://proxy.example.com/github", "https://proxy.example.com/github/"},
		{"", "http://127.0.0.1:8080", "http://127.0.0.1:8080/"},
	} {
		wire := &asked{}
		cfg := config(c.base)
		cfg.APIURL = c.api
		_, err := provider(t, cfg, github.Options{Transport: wire}).Repository(t.Context(), "acme/orders")
		if fault.CodeOf(err) != fault.Unreachable {
			t.Errorf("Repository without a network: %v", err)
		}
		if want := c.want + "repos/acme/orders/installation"; wire.url != want {
			t.Errorf("base_url %q, api_url %q: asks %s, want %s", c.base, c.api, wire.url, want)
		}
	}
}

func TestNamesThatWouldLeadElsewhereAreRefused(t *testing.T) {
	wire := &asked{}
	p := provider(t, config("https://ghe.example.com"), github.Options{Transport: wire})
	for _, name := range []string{"", "acme", "acme/", "/orders", "acme/orders/pulls", "acme/..", "acme/or ders", "acme/orders?x", "acme/%2e%2e"} {
		if _, err := p.Repository(t.Context(), name); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Repository(%q): %v; want an invalid error", name, err)
		}
	}
	for _, team := range []string{"", "acme", "acme/dba/x", "../dba"} {
		if _, err := p.InTeam(t.Context(), team, "ann"); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("InTeam(%q): %v; want an invalid error", team, err)
		}
	}
	if wire.url != "" {
		t.Errorf("asked %s", wire.url)
	}
}

func TestWhatTheProviderSaysOfItself(t *testing.T) {
	p := provider(t, config("https://ghe.example.com"), github.Options{})
	c := p.Capabilities()
	if p.Name() != "ghe" || p.Kind() != providers.GitHub || !c.Checks || !c.BareCommands || c.CommentLimit != 65536 {
		t.Errorf("%s, %s, %+v", p.Name(), p.Kind(), c)
	}
}
