package bot

import (
	"context"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Delivery is one webhook, verified and reduced to identifiers.
type Delivery struct {
	Provider string // Provider.Name
	GUID     string // the forge's id of the delivery, the same when redelivered
	Event    providers.Event
}

// Outcome says what Receive did.
type Outcome string

// The outcomes of Receive.
const (
	Accepted  Outcome = "accepted"  // stored; a job will act on it
	Duplicate Outcome = "duplicate" // stored before; an unfinished one is rung again
	Ignored   Outcome = "ignored"   // stored as done: nothing for us
)

// Receive stores a delivery and its job in one transaction. Its error means
// that nothing was stored and the forge should send it again.
func (b *Bot) Receive(ctx context.Context, d Delivery) (Outcome, error) {
	return "", fault.New(fault.Unsupported, "not built yet")
}
