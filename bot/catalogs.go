package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// A database of a worker pool is only reached from there. Its catalog is read by
// a job of that pool, kept in the store, and used by reviews anywhere.

// catalogPatience is how long a review waits for the target's catalog.
const catalogPatience = 20 * time.Second

// catalogFresh is how old a kept catalog may be before a review asks for another.
const catalogFresh = 5 * time.Minute

// maxCatalog bounds a kept catalog, in bytes of JSON: some ten thousand tables.
const maxCatalog = 32 << 20

// errAwaitingCatalog asks to come back when the pool's worker has read it.
var errAwaitingCatalog = queue.Retry(time.Second, nil)

type catalogPayload struct {
	Database string `json:"database"`
}

func catalogJob(d deploy.Database) queue.NewJob {
	return queue.NewJob{Kind: JobCatalog, Key: "db-catalog:" + d.Name, Pool: d.Worker, Payload: catalogPayload{Database: d.Name}, Coalesce: true}
}

// catalog is what the target holds, and what the review then rests on. A target
// that can't be read makes the review weaker, which is said; it does not stop it.
func (b *Bot) catalog(ctx context.Context, d deploy.Database) (*catalog.Catalog, string, error) {
	var found *catalog.Catalog
	var why string
	if d.Worker == "" {
		found, why = b.readCatalog(ctx, d)
	} else {
		kept, err := b.keptCatalog(ctx, d)
		if err != nil {
			return nil, "", err
		}
		found, why = kept.Catalog, kept.Problem
	}
	if found == nil {
		return nil, "static rules without " + d.Name + "'s catalog: " + why, nil
	}
	version, _, _ := strings.Cut(found.Version, " ")
	return found, fmt.Sprintf("static rules with the catalog of %s, %s %s", d.Name, d.Engine, version), nil
}

// readCatalog reads a database that this process reaches; nil with the reason
// when it can't.
func (b *Bot) readCatalog(ctx context.Context, d deploy.Database) (*catalog.Catalog, string) {
	engine := b.Engines[d.Engine]
	if engine == nil {
		return nil, "there is no engine for it"
	}
	url := d.ReviewURL
	if url.IsZero() {
		url = d.URL
	}
	ctx, cancel := context.WithTimeout(ctx, catalogPatience)
	defer cancel()
	found, err := engine.Open(url).Catalog(ctx)
	if err != nil {
		b.Log.Warn("Can't read the catalog; the review goes on without", "database", d.Name, "error", secret.Redact(err.Error()))
		return nil, fmt.Sprintf("it could not be read (%s)", code(err))
	}
	return found, ""
}

// handleCatalog reads a database of this process's pool for reviews elsewhere.
func (b *Bot) handleCatalog(ctx context.Context, _ queue.Job, p catalogPayload) error {
	d, ok := b.Deploy.Config().Database(p.Database)
	if !ok {
		return nil // not configured any more
	}
	at := b.Store.Now()
	found, why := b.readCatalog(ctx, d)
	text := ""
	if found != nil {
		encoded, err := json.Marshal(flat(found))
		if err != nil {
			return fmt.Errorf("encode the catalog of %s: %w", d.Name, err)
		}
		if text = string(encoded); len(text) > maxCatalog {
			text, why = "", fmt.Sprintf("it is larger than %d MB", maxCatalog>>20)
		}
	}
	if _, err := b.Store.Exec(ctx, sqlSaveCatalog, d.Name, text, why, store.Micros(at)); err != nil {
		return fmt.Errorf("keep the catalog of %s: %w", d.Name, err)
	}
	return nil
}

// kept is the last reading of a pool's database.
type kept struct {
	Catalog     *catalog.Catalog // nil: Problem says why
	Problem     string
	Read, Asked time.Time
}

// keptCatalog is the last reading, asked for anew when it is stale: then
// errAwaitingCatalog, for a while. A stale one is better than none.
func (b *Bot) keptCatalog(ctx context.Context, d deploy.Database) (kept, error) {
	k, err := b.loadCatalog(ctx, d)
	if err != nil {
		return k, err
	}
	now := b.Store.Now()
	awaited := k.Asked.After(k.Read)
	if !awaited && now.Sub(k.Read) < catalogFresh {
		return k, nil
	}
	online, err := b.Queue.OnlinePools(ctx)
	switch {
	case err != nil:
		return k, err
	case !online[d.Worker] && k.Catalog == nil:
		return kept{Problem: "no worker online for " + d.Worker}, nil
	case !online[d.Worker]:
		return k, nil
	case !awaited || now.Sub(k.Asked) > catalogFresh: // never asked, or in vain
		if err := b.Store.Tx(ctx, func(tx *store.Tx) error { return b.askCatalog(ctx, tx, d) }); err != nil {
			return k, err
		}
		return k, errAwaitingCatalog
	case now.Sub(k.Asked) < catalogPatience:
		return k, errAwaitingCatalog
	case k.Catalog == nil && k.Problem == "":
		k.Problem = "the workers of " + d.Worker + " did not read it in time"
	}
	return k, nil
}

// askCatalog asks the pool's workers to read a database's catalog.
func (b *Bot) askCatalog(ctx context.Context, tx *store.Tx, d deploy.Database) error {
	if _, err := tx.Exec(ctx, sqlAskCatalog, d.Name, store.Micros(tx.Now())); err != nil {
		return fmt.Errorf("ask for the catalog of %s: %w", d.Name, err)
	}
	return b.Queue.Enqueue(ctx, tx, catalogJob(d))
}

func (b *Bot) loadCatalog(ctx context.Context, d deploy.Database) (kept, error) {
	var k kept
	var text string
	var read, asked int64
	err := b.Store.QueryRow(ctx, sqlCatalog, d.Name).Scan(&text, &k.Problem, &read, &asked)
	switch {
	case isNoRows(err):
		return k, nil
	case err != nil:
		return k, fmt.Errorf("read the kept catalog of %s: %w", d.Name, err)
	}
	k.Read, k.Asked = store.FromMicros(read), store.FromMicros(asked)
	if text == "" {
		return k, nil
	}
	var f flatCatalog
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return k, fault.New(fault.Internal, "the kept catalog of %s can't be read", d.Name).Because(err)
	}
	k.Catalog = f.catalog()
	return k, nil
}

// flatCatalog is a catalog as JSON, whose keys are text only: lists in place of
// maps by name.
type flatCatalog struct {
	Engine     string
	Version    string
	SearchPath []string
	Tables     []*catalog.Table
	Domains    []*catalog.Domain
	Functions  []named[[]catalog.Function]
	Enums      []named[[]string]
}

type named[T any] struct {
	Name catalog.Name
	It   T
}

func flat(c *catalog.Catalog) flatCatalog {
	f := flatCatalog{Engine: c.Engine, Version: c.Version, SearchPath: c.SearchPath, Functions: names(c.Functions), Enums: names(c.Enums)}
	for _, t := range c.Tables {
		f.Tables = append(f.Tables, t)
	}
	for _, d := range c.Domains {
		f.Domains = append(f.Domains, d)
	}
	return f
}

func names[T any](m map[catalog.Name]T) []named[T] {
	var list []named[T]
	for name, it := range m {
		list = append(list, named[T]{name, it})
	}
	return list
}

func (f flatCatalog) catalog() *catalog.Catalog {
	c := &catalog.Catalog{
		Engine: f.Engine, Version: f.Version, SearchPath: f.SearchPath,
		Tables: map[catalog.Name]*catalog.Table{}, Functions: map[catalog.Name][]catalog.Function{},
		Domains: map[catalog.Name]*catalog.Domain{}, Enums: map[catalog.Name][]string{},
	}
	for _, t := range f.Tables {
		c.Tables[t.Name] = t
	}
	for _, d := range f.Domains {
		c.Domains[d.Name] = d
	}
	for _, fn := range f.Functions {
		c.Functions[fn.Name] = fn.It
	}
	for _, e := range f.Enums {
		c.Enums[e.Name] = e.It
	}
	return c
}
