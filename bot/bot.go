package bot

import (
	"context"
	"embed"
	"log/slog"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/reviewer"
	"github.com/shipsql/shipsql/store"
)

//go:embed schema
var schema embed.FS

// Deps are what the bot stands on. All but Mentions are needed.
type Deps struct {
	Store     *store.DB
	Queue     *queue.Queue
	Deploy    *deploy.Service // its Config says which projects there are
	Reviewer  *reviewer.Reviewer
	Providers map[string]providers.Provider // by Provider.Name
	Engines   map[string]executor.Engine    // by engine name, for catalogs
	PublicURL string                        // of the web pages, without a trailing slash; "" without pages
	Mentions  []string                      // the app's logins on the forges, besides "shipsql"
	Log       *slog.Logger
	Clock     clock.Clock
}

// Bot holds the conversation. It is safe for concurrent use.
type Bot struct {
	Deps
}

// New makes the bot and its tables. Call Register before the queue runs.
func New(ctx context.Context, d Deps) (*Bot, error) {
	if err := d.Store.Migrate(ctx, "bot", schema); err != nil {
		return nil, err
	}
	return &Bot{Deps: d}, nil
}
