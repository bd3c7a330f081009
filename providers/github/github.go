package github

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
)

// Config says which GitHub and which App. The secrets are read when used, so a
// new private key or webhook secret needs no restart.
type Config struct {
	Name           string // first part of a project's repository and of the webhook's path
	BaseURL        string // web address; "" is https://github.com
	APIURL         string // API root, exactly; "" derives it from BaseURL
	AppID          int64
	PrivateKey     secret.Source   // PEM
	WebhookSecrets []secret.Source // one, or two that are valid at once while one is rotated
}

// Options are for tests and wiring; the zero value is for production.
type Options struct {
	Transport  http.RoundTripper // below everything; nil: a copy of http.DefaultTransport
	Clock      clock.Clock       // nil: clock.System
	WriteRate  rate.Limit        // writes per second and installation; 0: 1
	WriteBurst int               // 0: 5
	Timeout    time.Duration     // of one request with its body; 0: 30 s
	MaxBlob    int64             // bytes of one file; 0: 16 MiB
	Version    string            // of ShipSQL, in the User-Agent
	// OnRequest is told of every HTTP request that left: its method, its route
	// without names or numbers, and the status (0: no answer). It is called
	// concurrently.
	OnRequest func(method, route string, status int)
}

// Limits of GitHub: a comment's body has 65,536 characters, a check's summary
// and text 65,535 each. Counting bytes stays below both.
// https://docs.github.com/en/rest/checks/runs
const (
	commentLimit = 65536
	checkLimit   = 65535
)

// Provider is one GitHub App on one GitHub. It is safe for concurrent use.
type Provider struct {
	cfg     Config
	o       Options
	web     *url.URL // where people look at it
	api     *url.URL // with a trailing slash
	wire    *wire
	archive *http.Client // for addresses outside of the API: never authorised
	app     *github.Client
	cache   *lru.Cache[string, cached]

	mu            sync.Mutex
	installations map[string]int64         // scope → installation
	clients       map[int64]*github.Client // installation → client
}

var _ providers.Provider = (*Provider)(nil)

// New checks the configuration, all of it, and makes a provider. It makes no
// network calls. An empty webhook secret is refused: it would let anybody sign.
func New(cfg Config, o Options) (*Provider, error) {
	o = o.withDefaults()
	web, noWeb := parseRoot(cfg.Name, "base_url", cmp.Or(cfg.BaseURL, "https://github.com"))
	api, noAPI := apiRoot(cfg, web)
	if err := errors.Join(noWeb, noAPI, check(cfg)); err != nil {
		return nil, err
	}
	cache, err := lru.New[string, cached](cacheEntries)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		cfg: cfg, o: o, web: web, api: api, cache: cache,
		wire:          &wire{o: o, apiPath: api.Path, timeout: o.Timeout, limit: maxAnswer},
		archive:       &http.Client{Transport: &wire{o: o, timeout: archiveTimeout, limit: maxArchive}},
		installations: map[string]int64{},
		clients:       map[int64]*github.Client{},
	}
	p.app = p.newClient("app", appAuth{p})
	return p, nil
}

func (o Options) withDefaults() Options {
	if o.Transport == nil {
		o.Transport = defaultTransport()
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.WriteRate == 0 {
		o.WriteRate = 1
	}
	if o.WriteBurst == 0 {
		o.WriteBurst = 5
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBlob == 0 {
		o.MaxBlob = 16 << 20
	}
	return o
}

// defaultTransport is Go's, with more idle connections: the API is one host.
func defaultTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program has put its own in its place
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 16
	return t
}

// check reads the secrets once, so that a mistake is found at the start.
func check(cfg Config) error {
	var errs []error
	if cfg.Name == "" {
		errs = append(errs, fault.New(fault.Invalid, "the provider has no name").Then("set name, e.g. github.com"))
	}
	if cfg.AppID <= 0 {
		errs = append(errs, fault.New(fault.Invalid, "app_id is missing").At(cfg.Name).
			Then("set it to the App ID of the GitHub App's settings page"))
	}
	if _, err := cfg.ReadWebhookSecrets(); err != nil {
		errs = append(errs, err)
	}
	if _, err := appTransport(cfg, nil); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// apiRoot is api_url as given, or follows from base_url.
// https://docs.github.com/en/enterprise-server/rest/using-the-rest-api (/api/v3),
// https://docs.github.com/en/enterprise-cloud/admin/data-residency (api.NAME.ghe.com)
func apiRoot(cfg Config, web *url.URL) (*url.URL, error) {
	switch {
	case cfg.APIURL != "":
		return parseRoot(cfg.Name, "api_url", cfg.APIURL)
	case web == nil: // a mistake that is reported already
		return nil, nil
	case web.Hostname() == "github.com" || strings.HasSuffix(web.Hostname(), ".ghe.com"):
		return &url.URL{Scheme: web.Scheme, Host: "api." + web.Host, Path: "/"}, nil
	}
	return web.JoinPath("api/v3/"), nil
}

func parseRoot(name, key, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fault.New(fault.Invalid, "%s is no web address: %q", key, secret.Redact(text)).At(name).
			Then("give it like https://github.example.com")
	}
	return u.JoinPath("/"), nil
}

// Name is the configured name.
func (p *Provider) Name() string { return p.cfg.Name }

// Kind is providers.GitHub.
func (p *Provider) Kind() providers.Kind { return providers.GitHub }

// Capabilities says that GitHub has everything.
func (p *Provider) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Checks: true, CheckActions: true, Reviews: true, Reactions: true,
		Deployments: true, MergeQueue: true, BareCommands: true, MissedDeliveries: true,
		CommentLimit: commentLimit, CheckLimit: checkLimit,
	}
}
