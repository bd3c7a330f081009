package github

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Missed lists the webhooks that no attempt could hand over.
func (p *Provider) Missed(_ context.Context, _ time.Time) ([]providers.MissedDelivery, error) {
	return nil, fault.New(fault.Unsupported, "missed deliveries are not read yet").At(p.cfg.Name)
}

// MissedEvent reads a missed webhook's payload and reduces it.
func (p *Provider) MissedEvent(_ context.Context, _ providers.MissedDelivery) (providers.Event, error) {
	return providers.Event{}, fault.New(fault.Unsupported, "missed deliveries are not read yet").At(p.cfg.Name)
}

// Redeliver asks the forge to send a webhook again.
func (p *Provider) Redeliver(_ context.Context, _ providers.MissedDelivery) error {
	return fault.New(fault.Unsupported, "missed deliveries are not read yet").At(p.cfg.Name)
}
