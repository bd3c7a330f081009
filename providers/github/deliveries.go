package github

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

// maxAttempts is how many attempts of deliveries we read at most.
const maxAttempts = 100_000

// Missed lists the webhooks that no attempt could hand over. GitHub sends each
// once, whatever comes of it, keeps what it knows of it for three days, and
// lists every attempt, the newest first: those asked for carry the same GUID.
// https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
// https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
func (p *Provider) Missed(ctx context.Context, since time.Time) ([]providers.MissedDelivery, error) {
	attempts, err := p.attempts(ctx, since)
	if err != nil {
		return nil, err
	}
	return missed(attempts, p.o.Clock.Now().Add(-providers.UnderWay)), nil
}

// attempts reads the attempts made since a time, the newest first.
func (p *Provider) attempts(ctx context.Context, since time.Time) ([]*github.HookDelivery, error) {
	var all []*github.HookDelivery
	for cursor := ""; ; {
		var page []*github.HookDelivery
		r := request{method: http.MethodGet, path: "app/hook/deliveries?per_page=100"}
		if cursor != "" {
			r.path += pathf("&cursor=%s", cursor)
		}
		resp, err := p.asApp(ctx, r, &page)
		if err != nil {
			return nil, err
		}
		older := slices.IndexFunc(page, func(d *github.HookDelivery) bool { return d.GetDeliveredAt().Before(since) })
		if older >= 0 {
			return append(all, page[:older]...), nil
		}
		all, cursor = append(all, page...), resp.Cursor
		switch {
		case cursor == "":
			return all, nil
		case len(all) > maxAttempts:
			return nil, fmt.Errorf("%s: over %d webhooks since %s: %w", p.cfg.Name, maxAttempts, since.UTC().Format(time.RFC3339), providers.ErrTooMany)
		}
	}
}

// missed makes deliveries of attempts and keeps those that no attempt handed
// over and that had their last one before a time.
func missed(newestFirst []*github.HookDelivery, before time.Time) []providers.MissedDelivery {
	byGUID := map[string]providers.MissedDelivery{}
	delivered := map[string]bool{}
	for _, a := range newestFirst {
		m, known := byGUID[a.GetGUID()]
		if !known {
			m = providers.MissedDelivery{
				ID: a.GetID(), GUID: a.GetGUID(), Event: a.GetEvent(), Action: a.GetAction(), Status: a.GetStatusCode(),
			}
			delivered[m.GUID] = a.GetDeliveredAt().After(before)
		}
		m.At = a.GetDeliveredAt().Time
		byGUID[m.GUID] = m
		delivered[m.GUID] = delivered[m.GUID] || a.GetStatusCode()/100 == 2
	}
	maps.DeleteFunc(byGUID, func(guid string, _ providers.MissedDelivery) bool { return delivered[guid] })
	return slices.SortedFunc(maps.Values(byGUID), func(a, b providers.MissedDelivery) int {
		if order := a.At.Compare(b.At); order != 0 {
			return order
		}
		return int(a.ID - b.ID)
	})
}

// MissedEvent reads a missed webhook's payload and reduces it.
// https://docs.github.com/en/rest/apps/webhooks#get-a-delivery-for-an-app-webhook
func (p *Provider) MissedEvent(ctx context.Context, m providers.MissedDelivery) (providers.Event, error) {
	var sent struct {
		GUID    string
		Event   string
		Request struct{ Payload json.RawMessage }
	}
	if _, err := p.asApp(ctx, request{method: http.MethodGet, path: pathf("app/hook/deliveries/%d", m.ID)}, &sent); err != nil {
		return providers.Event{}, fmt.Errorf("delivery %s: %w", m.GUID, err)
	}
	return p.reduce(sent.Event, sent.GUID, sent.Request.Payload), nil
}

// Redeliver asks GitHub to send a webhook again.
// https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
func (p *Provider) Redeliver(ctx context.Context, m providers.MissedDelivery) error {
	_, err := p.asApp(ctx, request{method: http.MethodPost, path: pathf("app/hook/deliveries/%d/attempts", m.ID)}, nil)
	if err != nil {
		return fmt.Errorf("delivery %s: %w", m.GUID, err)
	}
	return nil
}
