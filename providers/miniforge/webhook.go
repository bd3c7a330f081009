package miniforge

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // GitHub still sends the old signature too
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/shipsql/shipsql/internal/fault"
)

// delivery is a webhook and what the App's delivery API tells of it.
type delivery struct {
	Delivery
	installation int64
	repository   int64
	attempts     []attempt
}

type attempt struct {
	id         int64
	at         time.Time
	took       time.Duration
	status     int
	err        string
	timedOut   bool
	redelivery bool
}

func (d *delivery) snapshot() Delivery {
	c := d.Delivery
	c.Header = d.Header.Clone()
	return c
}

// hookID is the App's one webhook.
const hookID = 7

// record makes a delivery of a payload as it is now.
func (s *State) record(event string, r *repo, in *installation, payload object) {
	text, _ := json.Marshal(payload) //nolint:errchkjson // maps of our own making always marshal
	d := &delivery{installation: in.id, Delivery: Delivery{
		GUID: uuid.NewString(), Event: event, Payload: text, State: Pending, At: s.o.Clock.Now(),
	}}
	d.Action, _ = payload["action"].(string)
	if r != nil {
		d.Repository, d.repository = r.fullName(), r.id
	}
	d.Header = s.hookHeader(d)
	s.deliveries = append(s.deliveries, d)
	disposition := Deliver
	if s.decide != nil {
		disposition = s.decide(d.snapshot())
	}
	switch disposition {
	case Hold:
		d.State = Held
	case Drop:
		d.State = Dropped
	case Lose:
		s.finish(d, attempt{at: d.At, err: "it was to be lost"})
	default:
		s.outbox = append(s.outbox, d)
	}
}

func (s *State) hookHeader(d *delivery) http.Header {
	return http.Header{
		"Accept": {"*/*"}, "Content-Type": {"application/json"}, "User-Agent": {"GitHub-Hookshot/miniforge"},
		"X-Github-Event": {d.Event}, "X-Github-Delivery": {d.GUID}, "X-Github-Hook-Id": {strconv.Itoa(hookID)},
		"X-Github-Hook-Installation-Target-Id":   {strconv.Itoa(appID)},
		"X-Github-Hook-Installation-Target-Type": {"integration"},
		"X-Hub-Signature":                        {"sha1=" + signed(sha1.New, s.o.WebhookSecret, d.Payload)},
		"X-Hub-Signature-256":                    {"sha256=" + signed(sha256.New, s.o.WebhookSecret, d.Payload)},
	}
}

func signed(algorithm func() hash.Hash, secret string, payload []byte) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(payload)
	return hex.EncodeToString(mac.Sum(nil))
}

// deliver sends what is in the outbox, one after the other, until Close.
func (f *Forge) deliver() {
	client := &http.Client{
		Timeout:       f.o.WebhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for {
		if f.Wait(f.done, func(s *State) bool { return len(s.outbox) > 0 }) != nil {
			return
		}
		f.mu.Lock()
		d, url := f.state.outbox[0], f.state.hookURL
		f.mu.Unlock()
		a := f.attempt(client, url, d)
		_ = f.change(func(s *State) error {
			s.outbox = s.outbox[1:]
			s.finish(d, a)
			return nil
		})
	}
}

// finish records an attempt; the last of several that wait decides the state.
func (s *State) finish(d *delivery, a attempt) {
	a.id, a.redelivery = s.newID(), d.Attempts > 0
	d.attempts = append(d.attempts, a)
	d.Attempts, d.At, d.Status, d.Err = len(d.attempts), a.at, a.status, a.err
	if !slices.Contains(s.outbox, d) {
		d.State = Sent
	}
}

// attempt sends a delivery once. Header and payload never change after record.
func (f *Forge) attempt(client *http.Client, url string, d *delivery) attempt {
	a := attempt{at: f.o.Clock.Now()}
	if url == "" {
		a.err = "the App has no webhook URL"
		return a
	}
	started := time.Now()
	status, err := send(f.done, client, url, d)
	a.took, a.status = time.Since(started), status
	if err != nil {
		a.err, a.timedOut = err.Error(), os.IsTimeout(err)
	}
	return a
}

func send(ctx context.Context, client *http.Client, url string, d *delivery) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return 0, err
	}
	request.Header = d.Header.Clone()
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, err
}

// SetWebhookURL changes where later deliveries go; "" only records them.
func (f *Forge) SetWebhookURL(url string) {
	_ = f.change(func(s *State) error {
		s.hookURL = url
		return nil
	})
}

// Redeliver sends a recorded webhook again, with the same GUID.
func (f *Forge) Redeliver(guid string) error {
	return f.change(func(s *State) error { return s.redeliver(guid) })
}

func (s *State) redeliver(guid string) error {
	i := slices.IndexFunc(s.deliveries, func(d *delivery) bool { return d.GUID == guid })
	if i < 0 {
		return fault.New(fault.NotFound, "no webhook has the GUID %q", guid)
	}
	s.deliveries[i].State = Pending
	s.outbox = append(s.outbox, s.deliveries[i])
	return nil
}

// OnDelivery sets what happens to new webhooks; nil delivers them all. It is
// called with the state locked and must not call the Forge's methods.
func (f *Forge) OnDelivery(decide func(Delivery) Disposition) {
	_ = f.change(func(s *State) error {
		s.decide = decide
		return nil
	})
}

// Release sends held webhooks, in the order given, or all in their own order.
func (f *Forge) Release(guids ...string) error {
	return f.change(func(s *State) error {
		if len(guids) == 0 {
			for _, d := range s.deliveries {
				if d.State == Held {
					guids = append(guids, d.GUID)
				}
			}
		}
		for _, guid := range guids {
			if err := s.redeliver(guid); err != nil {
				return err
			}
		}
		return nil
	})
}

// Settled waits until every webhook that is not held was delivered.
func (f *Forge) Settled(ctx context.Context) error {
	return f.Wait(ctx, func(s *State) bool { return len(s.outbox) == 0 })
}
