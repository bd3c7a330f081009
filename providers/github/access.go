package github

import (
	"context"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Access reads what GitHub lets the app do.
func (p *Provider) Access(_ context.Context) (providers.Access, error) {
	return providers.Access{}, fault.New(fault.Unsupported, "the app's permissions are not read yet").At(p.cfg.Name)
}
