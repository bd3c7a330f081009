package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// deliveriesKept is how long forges remember the webhooks they sent: GitHub's
// documentation says three days. What is older is lost.
// https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/viewing-webhook-deliveries
const deliveriesKept = 72 * time.Hour

// askedAgain is how far a forge is asked beyond what it was asked before: its
// clock is not ours, and the newest webhooks are still under way.
const askedAgain = 5 * time.Minute

// missed is how far a forge was asked for the webhooks it could not hand over.
type missed struct {
	To               time.Time // all before this moment is made up for
	LostFrom, LostTo time.Time // the last stretch that nobody can make up for
	Note             string
}

func catchUpJob(provider string) queue.NewJob {
	return queue.NewJob{Kind: JobReconcile, Key: "provider:" + provider, Payload: reconcilePayload{Provider: provider}, Coalesce: true}
}

// catchUp takes in the webhooks that the forge could not hand over, oldest
// first, each by its own payload: to the inbox they are like any other.
func (b *Bot) catchUp(ctx context.Context, provider string) error {
	p := b.Providers[provider]
	if p == nil || !p.Capabilities().MissedDeliveries {
		return nil
	}
	m, err := b.loadMissed(ctx, provider)
	if err != nil {
		return err
	}
	now := b.Store.Now()
	if horizon := now.Add(-deliveriesKept); m.To.Before(horizon) {
		b.Log.Error(fmt.Sprintf("Webhooks from %s to %s are lost: the forge keeps no older ones. Merges and pull requests are found without; commands typed then must be typed again",
			m.To.Format(time.RFC3339), horizon.Format(time.RFC3339)), "provider", provider)
		m.LostFrom, m.LostTo, m.To = m.To, horizon, horizon
	}
	switch err := b.takeIn(ctx, p, m.To.Add(-askedAgain)); {
	case isGone(err) || errors.Is(err, providers.ErrUnauthorized) || errors.Is(err, providers.ErrTooMany):
		m.Note = secret.Redact(err.Error())
		b.Log.Warn("The forge does not tell which webhooks it could not hand over", "provider", provider, "error", m.Note)
	case err != nil:
		return err
	default:
		m.To, m.Note = now, ""
	}
	return b.saveMissed(ctx, provider, m)
}

// takeIn takes in what was missed since a time. What the inbox has is left
// alone, so that doing it again costs one call per hundred webhooks.
func (b *Bot) takeIn(ctx context.Context, p providers.Provider, since time.Time) error {
	lost, err := p.Missed(ctx, since)
	if err != nil {
		return fmt.Errorf("ask for the webhooks that were missed: %w", err)
	}
	for _, m := range lost {
		_, err := loadDelivery(ctx, b.Store, sqlDeliveryByGUID, p.Name(), m.GUID)
		if err == nil {
			continue
		}
		if !isNoRows(err) {
			return err
		}
		if err := b.takeInOne(ctx, p, m); err != nil {
			return err
		}
	}
	return nil
}

// takeInOne takes in one webhook; where its payload can't be read, the forge is
// asked to send it again.
func (b *Bot) takeInOne(ctx context.Context, p providers.Provider, m providers.MissedDelivery) error {
	event, err := p.MissedEvent(ctx, m)
	switch {
	case err == nil:
		_, err = b.Receive(ctx, Delivery{Provider: p.Name(), GUID: m.GUID, Event: event})
		if err == nil && b.Recovered != nil {
			b.Recovered(p.Name())
		}
		return err
	case later(err):
		return fmt.Errorf("read the missed webhook %s: %w", m.GUID, err)
	}
	b.Log.Warn("A missed webhook can't be read; the forge is asked to send it again", "provider", p.Name(), "delivery", m.GUID, "error", secret.Redact(err.Error()))
	if err := p.Redeliver(ctx, m); err != nil {
		if later(err) {
			return err
		}
		b.Log.Error("A webhook is lost: the forge has forgotten it", "provider", p.Name(), "delivery", m.GUID, "error", secret.Redact(err.Error()))
	}
	return nil
}

// behind says whether webhooks of the forge may be missing that were sent before
// those that arrive now: the app was down, and has not asked for them yet.
func (b *Bot) behind(ctx context.Context, provider string) (bool, error) {
	p := b.Providers[provider]
	if p == nil || !p.Capabilities().MissedDeliveries {
		return false, nil
	}
	m, err := b.loadMissed(ctx, provider)
	return err == nil && m.Note == "" && b.Store.Now().Sub(m.To) > 2*reconcileEvery, err
}

// loadMissed reads how far a forge was asked; a forge that is new to us, up to now.
func (b *Bot) loadMissed(ctx context.Context, provider string) (m missed, err error) {
	var to, lostFrom, lostTo int64
	err = b.Store.QueryRow(ctx, sqlMissed, provider).Scan(&to, &lostFrom, &lostTo, &m.Note)
	if isNoRows(err) {
		return missed{To: b.Store.Now()}, nil
	}
	if err != nil {
		return m, fmt.Errorf("read how far %s was asked for webhooks: %w", provider, err)
	}
	m.To = store.FromMicros(to)
	if lostTo != 0 {
		m.LostFrom, m.LostTo = store.FromMicros(lostFrom), store.FromMicros(lostTo)
	}
	return m, nil
}

func (b *Bot) saveMissed(ctx context.Context, provider string, m missed) error {
	micros := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return store.Micros(t)
	}
	_, err := b.Store.Exec(ctx, sqlSaveMissed, provider, store.Micros(m.To), micros(m.LostFrom), micros(m.LostTo), m.Note)
	if err != nil {
		return fmt.Errorf("remember how far %s was asked for webhooks: %w", provider, err)
	}
	return nil
}

// ProviderHealth is how far a forge's webhooks are complete.
type ProviderHealth struct {
	Provider string
	// Complete: everything that the forge sent before this moment has arrived or
	// was fetched. Far behind now, it says that the app was down or can't ask.
	Complete time.Time
	// LostFrom and LostTo are the last stretch of time whose webhooks are lost
	// because the forge had forgotten them; zero when there never was one.
	LostFrom, LostTo time.Time
	// Problem says why the forge can't be asked for missed webhooks, "" when it can.
	Problem string
}

// Webhooks says how far each forge's webhooks are complete, from what is
// stored; no forge is asked.
func (b *Bot) Webhooks(ctx context.Context) ([]ProviderHealth, error) {
	var all []ProviderHealth
	for name, p := range b.Providers {
		h := ProviderHealth{Provider: name, Problem: "the forge does not tell which webhooks it could not hand over"}
		if p.Capabilities().MissedDeliveries {
			m, err := b.loadMissed(ctx, name)
			if err != nil {
				return nil, err
			}
			h = ProviderHealth{Provider: name, Complete: m.To, LostFrom: m.LostFrom, LostTo: m.LostTo, Problem: m.Note}
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(x, y ProviderHealth) int { return strings.Compare(x.Provider, y.Provider) })
	return all, nil
}
