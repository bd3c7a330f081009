package github

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"

	"github.com/shipsql/shipsql/internal/fault"
)

// appTransport signs requests as the App itself. Each call reads the key anew:
// a rotated key is used from the next token on.
func appTransport(cfg Config, next http.RoundTripper) (*ghinstallation.AppsTransport, error) {
	key, err := cfg.PrivateKey.Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "private_key can't be used").At(cfg.Name).Because(err)
	}
	t, err := ghinstallation.NewAppsTransport(next, cfg.AppID, []byte(key))
	if err != nil {
		return nil, fault.New(fault.Invalid, "private_key is no RSA key in PEM form").At(cfg.Name).
			Then("download a new one from the GitHub App's settings page")
	}
	return t, nil
}

// appAuth authorises requests as the App, for finding installations.
type appAuth struct{ p *Provider }

// RoundTrip sends the request with a fresh JWT.
func (a appAuth) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := a.p.atHome(req); err != nil {
		return nil, refuse(req, err)
	}
	again := replay(req)
	resp, err := a.send(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || again == nil {
		return resp, err
	}
	_ = resp.Body.Close()
	return a.send(again) // the key may just have been rotated
}

// send sends the request with a JWT made with the key as it is now.
func (a appAuth) send(req *http.Request) (*http.Response, error) {
	t, err := appTransport(a.p.cfg, a.p.wire)
	if err != nil {
		return nil, refuse(req, err)
	}
	return t.RoundTrip(req.Clone(req.Context())) // it changes the request's headers
}

// installationAuth authorises requests as one installation. A token lives an
// hour; one that the forge no longer takes, or no longer makes with the key that
// was read last, is made anew once per request, with the key as it is now.
type installationAuth struct {
	p  *Provider
	id int64

	mu      sync.Mutex
	current *ghinstallation.Transport
}

// RoundTrip sends the request with an installation token.
func (a *installationAuth) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := a.p.atHome(req); err != nil {
		return nil, refuse(req, err)
	}
	again := replay(req)
	t, err := a.instead(nil)
	if err != nil {
		return nil, refuse(req, err)
	}
	resp, err := t.RoundTrip(req)
	closeTokenAnswer(err)
	if again == nil || !unauthorized(resp, err) {
		return resp, err
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	if t, err = a.instead(t); err != nil {
		return nil, refuse(again, err)
	}
	resp, err = t.RoundTrip(again)
	closeTokenAnswer(err)
	return resp, err
}

// unauthorized says that the token was refused, or the key it is made with.
func unauthorized(resp *http.Response, err error) bool {
	if err != nil {
		return statusOf(err) == http.StatusUnauthorized
	}
	return resp.StatusCode == http.StatusUnauthorized
}

// instead gives the current transport, or a new one where that is refused.
func (a *installationAuth) instead(refused *ghinstallation.Transport) (*ghinstallation.Transport, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil && a.current != refused {
		return a.current, nil
	}
	// Not shared between installations: ghinstallation writes to it.
	app, err := appTransport(a.p.cfg, a.p.wire)
	if err != nil {
		return nil, err
	}
	app.BaseURL = a.p.apiBase()
	a.current = ghinstallation.NewFromAppsTransport(app, a.id)
	return a.current, nil
}

// apiBase is the API's root without the trailing slash, as ghinstallation wants it.
func (p *Provider) apiBase() string {
	s := p.api.String()
	return s[:len(s)-1]
}

// atHome refuses to send credentials anywhere but to the API: a redirect may
// lead elsewhere.
func (p *Provider) atHome(req *http.Request) error {
	if req.URL.Host == p.api.Host && req.URL.Scheme == p.api.Scheme {
		return nil
	}
	return fault.New(fault.Unsupported, "the forge redirects to %s, which gets no credentials of ours", req.URL.Host)
}

// replay copies a request for a second try, nil when its body can't be read twice.
func replay(req *http.Request) *http.Request {
	again := req.Clone(req.Context())
	if req.Body == nil {
		return again
	}
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again.Body = body
	return again
}

// refuse closes the body of a request that isn't sent, as a RoundTripper must.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}

// closeTokenAnswer closes what ghinstallation leaves open when it gets no token.
func closeTokenAnswer(err error) {
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) && refused.Response != nil {
		_, _ = io.CopyN(io.Discard, refused.Response.Body, 4096) // so that the connection can be used again
		_ = refused.Response.Body.Close()
	}
}
