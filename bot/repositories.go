package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// believed is how long the forge's word on which repository is which holds. A
// name may change hands at any time, and no webhook need tell.
const believed = time.Minute

// pausedWait is how often work for a paused repository looks whether it may go on.
const pausedWait = time.Minute

// errPaused is in the chain of every error that says: the app can't use the
// repository now. The error's text says why, and what to do.
var errPaused = fault.New(fault.NotFound, "the repository is paused")

// repository is what a configured name stands for.
type repository struct {
	Name   string         // as configured, in lower case: forges don't tell cases apart
	Repo   providers.Repo // as it is called now; ID 0: never seen
	Paused string         // why nothing can happen for it, "" when all is well
	Asked  time.Time      // when the forge said so
}

func scanRepository(scan store.Scan) (r repository, err error) {
	var current string
	var private int
	var asked int64
	err = scan(&r.Name, &r.Repo.Provider, &r.Repo.ID, &current, &r.Repo.Installation, &private, &r.Paused, &asked)
	i := strings.LastIndexByte(current, '/') // an owner may hold slashes itself
	r.Repo.Owner, r.Repo.Name = current[:max(i, 0)], current[i+1:]
	r.Repo.Private, r.Asked = private != 0, store.FromMicros(asked)
	return r, err
}

// loadRepository reads the row of a configured repository; false when the forge
// never said which one it is.
func loadRepository(ctx context.Context, q store.Queryer, configured string) (repository, bool, error) {
	return oneRepository(ctx, q, sqlRepository, strings.ToLower(configured))
}

func repositoryByID(ctx context.Context, q store.Queryer, provider string, id int64) (repository, bool, error) {
	return oneRepository(ctx, q, sqlRepositoryByID, provider, id)
}

func oneRepository(ctx context.Context, q store.Queryer, query string, args ...any) (repository, bool, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return repository{}, false, fmt.Errorf("read which repository is which: %w", err)
	}
	found, err := store.Collect(rows, scanRepository)
	if err != nil || len(found) == 0 {
		return repository{}, false, err
	}
	return found[0], true, nil
}

func (r repository) save(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, sqlSaveRepository, r.Name, r.Repo.Provider, r.Repo.ID, r.Repo.FullName(),
		r.Repo.Installation, flag(r.Repo.Private), r.Paused, store.Micros(r.Asked))
	return err
}

// provider finds the forge of a repository "provider/owner/name", and its full
// name there as configured.
func (b *Bot) provider(configured string) (providers.Provider, string, error) {
	name, full, _ := strings.Cut(configured, "/")
	p := b.Providers[name]
	if p == nil || !strings.Contains(full, "/") {
		return nil, "", fault.New(fault.Invalid, "no provider named %q is configured", name).At(configured)
	}
	return p, full, nil
}

// forge is where a configured repository is now. What was learned within the
// last minute is believed, so that no other repository is taken for it for
// longer; errPaused when the app can't use it.
func (b *Bot) forge(ctx context.Context, configured string) (providers.Provider, providers.Repo, error) {
	p, _, err := b.provider(configured)
	if err != nil {
		return nil, providers.Repo{}, err
	}
	known, ok, err := loadRepository(ctx, b.Store, configured)
	if err == nil && (!ok || b.Store.Now().Sub(known.Asked) >= believed) {
		known, err = b.look(ctx, configured)
	}
	switch {
	case err != nil:
		return nil, providers.Repo{}, err
	case known.Paused != "":
		return nil, providers.Repo{}, paused(known.Paused)
	}
	return p, known.Repo, nil
}

// called is what people call a configured repository now.
func (b *Bot) called(ctx context.Context, configured string) string {
	known, ok, err := loadRepository(ctx, b.Store, configured)
	if err != nil || !ok {
		return configured
	}
	return known.Repo.String()
}

// repositories are the configured repositories, each once.
func (b *Bot) repositories() []string {
	var found []string
	seen := map[string]bool{}
	for _, p := range b.Deploy.Config().Projects {
		if name := strings.ToLower(p.Repository); !seen[name] {
			seen[name] = true
			found = append(found, p.Repository)
		}
	}
	return found
}

// RepositoryHealth is how a configured repository stands.
type RepositoryHealth struct {
	Repository string // as configured
	Current    string // provider/owner/name as the forge calls it now, "" while it was never seen
	ID         int64  // the forge's number of it, 0 while it was never seen
	Paused     string // why nothing can happen for it, "" when all is well
	AskedAt    time.Time
}

// Repositories says how the configured repositories stand, from what was last
// learned; no forge is asked.
func (b *Bot) Repositories(ctx context.Context) ([]RepositoryHealth, error) {
	var all []RepositoryHealth
	for _, configured := range b.repositories() {
		known, ok, err := loadRepository(ctx, b.Store, configured)
		if err != nil {
			return nil, err
		}
		h := RepositoryHealth{Repository: configured, Paused: "the app has not seen it yet; is it installed there?"}
		if ok {
			h.Current, h.ID, h.Paused, h.AskedAt = known.Repo.String(), known.Repo.ID, known.Paused, known.Asked
		}
		all = append(all, h)
	}
	return all, nil
}
