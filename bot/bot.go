package bot

import (
	"context"
	"embed"
	"log/slog"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/batch"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/ids"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/reviewer"
	"github.com/shipsql/shipsql/store"
)

//go:embed schema
var schema embed.FS

// Deps are what the bot stands on. All but Mentions, Pace and PublicURL are needed.
type Deps struct {
	Store     *store.DB
	Queue     *queue.Queue
	Deploy    *deploy.Service // its Config says which projects there are
	Reviewer  *reviewer.Reviewer
	Providers map[string]providers.Provider // by Provider.Name
	Engines   map[string]executor.Engine    // by engine name, for catalogs
	PublicURL string                        // of the web pages; "" without pages
	Mentions  []string                      // the app's logins on the forges, besides "shipsql"
	// Pace is how long the changes of a rollout are gathered before they are
	// shown; default 1 s. Forges ration writes, and people read no faster.
	Pace  time.Duration
	Log   *slog.Logger
	Clock clock.Clock
	// Recovered is told of every webhook that a forge could not hand over and that
	// was taken in later, for metrics; may be nil.
	Recovered func(provider string)
}

// Bot holds the conversation. It is safe for concurrent use.
type Bot struct {
	Deps
	trees    *lru.Cache[treeKey, []providers.TreeEntry]
	policies *lru.Cache[string, reviewer.Policy] // by blob
	samples  *lru.Cache[string, []byte]          // by blob: files by which layouts are seen
	rights   *rights
	ids      *ids.Source
	intake   *batch.Line[arrival, Outcome]
}

// How many answers that can't change are kept in memory.
const (
	cachedTrees    = 32
	cachedPolicies = 64
	cachedSamples  = 16
)

// New makes the bot and its tables. Call Register before the queue runs.
func New(ctx context.Context, d Deps) (*Bot, error) {
	err := d.Store.Migrate(ctx, "bot", schema)
	if err != nil {
		return nil, err
	}
	if d.Pace == 0 {
		d.Pace = time.Second
	}
	d.PublicURL = strings.TrimRight(d.PublicURL, "/")
	b := &Bot{Deps: d, rights: newRights(d.Clock), ids: ids.New()}
	b.intake = batch.New(intakeTogether, b.storeArrivals)
	if b.trees, err = lru.New[treeKey, []providers.TreeEntry](cachedTrees); err != nil {
		return nil, err
	}
	if b.policies, err = lru.New[string, reviewer.Policy](cachedPolicies); err != nil {
		return nil, err
	}
	if b.samples, err = lru.New[string, []byte](cachedSamples); err != nil {
		return nil, err
	}
	// What happened while no process ran is found by the first reconciliation,
	// which keeps itself going.
	return b, b.enqueue(ctx, reconcileAll())
}

// projects are the projects of a repository, whatever the case of its name.
func (b *Bot) projects(repository string) []deploy.Project {
	var found []deploy.Project
	for _, p := range b.Deploy.Config().Projects {
		if strings.EqualFold(p.Repository, repository) {
			found = append(found, p)
		}
	}
	return found
}

// projectsOn are the projects of a repository that follow the branch.
func (b *Bot) projectsOn(repository, branch string) []deploy.Project {
	var found []deploy.Project
	for _, p := range b.projects(repository) {
		if p.Branch == branch {
			found = append(found, p)
		}
	}
	return found
}
