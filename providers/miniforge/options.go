package miniforge

import (
	"net/http"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
)

// Options are a forge's settings; the zero value is usable.
type Options struct {
	// WebhookURL receives the App's webhooks; "" delivers none (they are recorded).
	WebhookURL string
	// WebhookSecret signs them; default "miniforge-webhook-secret".
	WebhookSecret string
	// WebhookTimeout is how long a delivery may take; default 10 s, as on github.com.
	WebhookTimeout time.Duration
	// AppSlug is the App's name; its bot user is "<slug>[bot]". Default "shipsql".
	AppSlug string
	// Clock dates commits, comments and the like; default the machine's. Tokens
	// and their expiry always use the machine's clock, as the client does.
	Clock clock.Clock
	// TokenLifetime is how long an installation token works; default 1 h.
	TokenLifetime time.Duration
	// RateLimit is the number of requests an installation has per hour; default 5000.
	RateLimit int
	// PublicURL is the address used in links before Serve gives a better one.
	PublicURL string
	// Middleware wraps the HTTP API (not the page), e.g. with contract.Wrap.
	Middleware func(http.Handler) http.Handler
}

const (
	defaultWebhookSecret = "miniforge-webhook-secret"
	defaultAppSlug       = "shipsql"
	defaultRateLimit     = 5000
)

func (o Options) withDefaults() Options {
	if o.WebhookSecret == "" {
		o.WebhookSecret = defaultWebhookSecret
	}
	if o.WebhookTimeout == 0 {
		o.WebhookTimeout = 10 * time.Second
	}
	if o.AppSlug == "" {
		o.AppSlug = defaultAppSlug
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.RateLimit == 0 {
		o.RateLimit = defaultRateLimit
	}
	if o.PublicURL == "" {
		o.PublicURL = "http://127.0.0.1"
	}
	return o
}
