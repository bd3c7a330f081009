package github

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/shipsql/shipsql/providers"
)

// The headers of a delivery.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
const (
	signatureHeader = "X-Hub-Signature-256"
	eventHeader     = "X-GitHub-Event"
	deliveryHeader  = "X-GitHub-Delivery"
)

// ParseWebhook proves that a delivery comes from GitHub and reduces it to
// identifiers.
func (p *Provider) ParseWebhook(h http.Header, body []byte) (providers.Event, error) {
	secret, err := p.cfg.WebhookSecret.Read()
	if err != nil {
		return providers.Event{}, err
	}
	if !signedWith(secret, h.Get(signatureHeader), body) {
		return providers.Event{}, fmt.Errorf("%s: %w", p.cfg.Name, providers.ErrSignature)
	}
	name := h.Get(eventHeader)
	delivery := cmp.Or(h.Get(deliveryHeader), hashed(body))
	var got payload
	if json.Unmarshal(body, &got) != nil { // its text may quote the payload, which is not ours to log
		return providers.Event{Kind: providers.Ignored, Delivery: delivery, Note: name + ": the payload is not the JSON we expect"}, nil //nolint:nilerr // unreadable is an event too
	}
	e, note := got.event(name, p.cfg.AppID)
	if note != "" {
		e = providers.Event{Kind: providers.Ignored, Note: strings.TrimSpace(name+" "+got.Action) + ": " + note}
	}
	e.Delivery, e.Action = delivery, cmp.Or(e.Action, got.Action)
	e.Repo, e.Sender = p.origin(&got), got.Sender.person()
	if e.Kind != providers.Ignored && e.Kind != providers.InstallationChanged && e.Repo.Owner == "" {
		e.Kind, e.Note = providers.Ignored, name+": the repository is missing"
	}
	return e, nil
}

// signedWith compares in constant time. Only SHA-256 counts.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func signedWith(secret, signature string, body []byte) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	given, err := hex.DecodeString(digits)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil)) && ok && err == nil && secret != ""
}

// hashed identifies a delivery that lost its header, the same at each attempt.
func hashed(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// origin is the repository a delivery is about, if it is about one.
func (p *Provider) origin(got *payload) providers.Repo {
	r := got.Repository
	repo := providers.Repo{
		Provider: p.cfg.Name, Owner: r.Owner.Login, Name: r.Name, ID: r.ID,
		Installation: got.Installation.ID, Private: r.Private,
	}
	if _, err := of(repo); err != nil {
		repo.Owner, repo.Name = "", ""
	}
	return repo
}

func (u user) person() providers.Person {
	return providers.Person{Login: u.Login, ID: u.ID, Bot: u.Type == "Bot"}
}
