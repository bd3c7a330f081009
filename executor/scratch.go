package executor

import (
	"context"

	"github.com/shipsql/shipsql/internal/secret"
)

// Scratcher is an engine that can make throw-away databases, to try migrations
// where nothing can be lost. Engines implement it beside [Engine]; it is safe for
// concurrent use.
type Scratcher interface {
	// Scratch makes an empty database on a disposable server, and a login that owns
	// it and may do nothing else there. The server's own login needs the right to
	// make both. Errors are as of a connection: denied, unreachable, invalid.
	Scratch(ctx context.Context, server secret.Source) (Scratch, error)
}

// Scratch is a throw-away database.
type Scratch struct {
	URL  secret.Source // of the database, with its own login
	Drop func(context.Context) error
}
