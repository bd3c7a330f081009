package doctor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/ids"
	"github.com/shipsql/shipsql/internal/secret"
)

// ping is a webhook of our own, as GitHub sends one when a hook is made. ShipSQL
// stores it, signature and all, and does nothing else.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
type ping struct {
	provider string
	url      string
	secrets  []secret.Source
}

// roundTrip sends a ping through the public address with each secret, as the
// forge would: it proves name, certificate, proxy, listener, secret and store.
func roundTrip(ctx context.Context, client *http.Client, p ping) []Result {
	t := topic{"webhook", p.provider}
	var results []Result
	for i, source := range p.secrets {
		key, err := source.Read()
		if err != nil {
			results = append(results, t.notChecked("the secret %s can't be read here", source))
			continue
		}
		request, err := p.signed(ctx, []byte(key))
		if err != nil {
			return []Result{t.broken(err, "no event arrives")}
		}
		began := time.Now()
		answer, err := client.Do(request)
		if err != nil {
			return []Result{t.failed("%s does not answer: %s", p.url, secret.Redact(err.Error(), key)).
				because("the forge must reach this address; if it is only this machine that can't, see what the forge says of missed webhooks").
				fix("check DNS, firewall, certificate and proxy of "+p.url, "and that shipsql serve --role all or web runs")}
		}
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
		_ = answer.Body.Close()
		results = append(results, judgeAnswer(t, given{answer.StatusCode, body, time.Since(began)}, p.url, i))
	}
	return results
}

func (p ping) signed(ctx context.Context, key []byte) (*http.Request, error) {
	body := []byte(`{"zen":"shipsql doctor","hook_id":0}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-GitHub-Event", "ping")
	request.Header.Set("X-GitHub-Delivery", "doctor-"+ids.New().At(time.Now()))
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// given is what came back.
type given struct {
	status int
	body   []byte
	took   time.Duration
}

// slow is an answer that the forge may give up on: GitHub waits 10 s.
const slow = 5 * time.Second

func judgeAnswer(t topic, a given, url string, n int) Result {
	which := "webhook_secret"
	if n > 0 {
		which = "second webhook_secret"
	}
	var ours struct{ Outcome string }
	isOurs := json.Unmarshal(a.body, &ours) == nil && ours.Outcome != ""
	switch {
	case !isOurs:
		return t.failed("something else answers at %s, with status %d", url, a.status).because("the forge's webhooks go there too").
			fix("correct server.public_url, or the proxy's way to shipsql serve")
	case a.status == http.StatusUnauthorized:
		return t.failed("ShipSQL refuses the %s of this configuration", which).because("the running ShipSQL has another secret than this one, and refuses the forge's webhooks too if the forge has this one").
			fix("start shipsql serve with the same configuration and secrets")
	case a.status == http.StatusNotFound:
		return t.failed("ShipSQL does not know the provider %s", t.subject).because("the running ShipSQL has another configuration").fix("restart shipsql serve")
	case a.status/100 != 2:
		return t.failed("ShipSQL answers %d (%s)", a.status, strings.ReplaceAll(ours.Outcome, "_", " ")).because("the forge's webhooks are answered the same").fix("look at the log of shipsql serve")
	case a.took > slow:
		return t.warning("a signed webhook took %s to %s and back", a.took.Round(time.Millisecond), url).because("the forge waits 10 s for an answer").fix("look at the load of the web nodes and the store")
	}
	return t.ok("a webhook signed with the %s came back from %s with %d", which, url, a.status)
}
