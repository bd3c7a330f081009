package github

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
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
	secrets, err := p.cfg.ReadWebhookSecrets()
	if err != nil {
		return providers.Event{}, err
	}
	if !signedWith(secrets, h.Get(signatureHeader), body) {
		return providers.Event{}, fmt.Errorf("%s: %w", p.cfg.Name, providers.ErrSignature)
	}
	return p.reduce(h.Get(eventHeader), cmp.Or(h.Get(deliveryHeader), hashed(body)), body), nil
}

// reduce makes an event of a payload whose origin is proven.
func (p *Provider) reduce(name, delivery string, body []byte) providers.Event {
	var got payload
	if json.Unmarshal(body, &got) != nil { // its text may quote the payload, which is not ours to log
		return providers.Event{Kind: providers.Ignored, Delivery: delivery, Note: name + ": the payload is not the JSON we expect"}
	}
	e, note := got.event(name, p.cfg.AppID)
	if note != "" {
		e = providers.Event{Kind: providers.Ignored, Note: strings.TrimSpace(name+" "+got.Action) + ": " + note}
	}
	e.Delivery, e.Action = delivery, cmp.Or(e.Action, got.Action)
	e.Repo, e.Repos, e.Sender = p.origin(&got), p.listed(&got), got.Sender.person()
	if e.Kind != providers.Ignored && e.Kind != providers.InstallationChanged && e.Repo.Owner == "" {
		e.Kind, e.Note = providers.Ignored, name+": the repository is missing"
	}
	return e
}

// ReadWebhookSecrets reads the secrets that are valid now. While one is rotated,
// one that can't be read leaves the other in force; an error says that none is left.
func (cfg Config) ReadWebhookSecrets() ([]string, error) {
	var secrets []string
	var errs []error
	for _, source := range cfg.WebhookSecrets {
		text, err := source.Read()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		secrets = append(secrets, text)
	}
	if len(secrets) == 0 {
		return nil, fault.New(fault.Invalid, "no webhook_secret can be used").At(cfg.Name).Because(errors.Join(errs...))
	}
	return secrets, nil
}

// signedWith says if one of the secrets made the signature: in constant time, and
// trying all of them, so that the time doesn't tell which. Only SHA-256 counts.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func signedWith(secrets []string, signature string, body []byte) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	given, err := hex.DecodeString(digits)
	found := 0
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		found |= subtle.ConstantTimeCompare(given, mac.Sum(nil)) & nonEmpty(secret)
	}
	return found == 1 && ok && err == nil
}

// nonEmpty is 1 for a secret that isn't empty: with an empty one anybody could sign.
func nonEmpty(secret string) int {
	return min(len(secret), 1)
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

// listed are the repositories that an installation's delivery names.
func (p *Provider) listed(got *payload) []providers.Repo {
	var repos []providers.Repo
	for _, r := range slices.Concat(got.Repositories, got.RepositoriesAdded, got.RepositoriesRemoved) {
		owner, name, _ := strings.Cut(r.FullName, "/")
		repo := providers.Repo{
			Provider: p.cfg.Name, Owner: owner, Name: name, ID: r.ID, Installation: got.Installation.ID, Private: r.Private,
		}
		if _, err := of(repo); err != nil {
			repo.Owner, repo.Name = "", ""
		}
		repos = append(repos, repo)
	}
	return repos
}

func (u user) person() providers.Person {
	return providers.Person{Login: u.Login, ID: u.ID, Bot: u.Type == "Bot"}
}
