package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// look asks the forge about a configured repository now, and acts on what changed.
func (b *Bot) look(ctx context.Context, configured string) (repository, error) {
	before, ok, err := loadRepository(ctx, b.Store, configured)
	if err != nil {
		return before, err
	}
	ask := b.meet
	if ok {
		ask = b.follow
	}
	now, err := ask(ctx, configured, before)
	if err != nil {
		return before, fmt.Errorf("ask the forge for %s: %w", configured, err)
	}
	now.Name, now.Asked = strings.ToLower(configured), b.Store.Now()
	return now, b.learned(ctx, configured, before, now)
}

// follow finds a known repository by its number, whatever it is called now.
func (b *Bot) follow(ctx context.Context, configured string, known repository) (repository, error) {
	p, full, err := b.provider(configured)
	if err != nil {
		return known, err
	}
	found, err := p.RepositoryByID(ctx, known.Repo.ID)
	switch {
	case isGone(err):
		known.Paused = unseen(known.Repo)
		if other, err := p.Repository(ctx, full); err == nil && other.ID != known.Repo.ID {
			known.Paused += fmt.Sprintf("; the repository that is called %s now is another one and is not followed", other)
		}
		return known, nil
	case err != nil:
		return known, err
	}
	return shown(found), nil
}

// meet finds a configured repository by its name, for the first time.
func (b *Bot) meet(ctx context.Context, configured string, _ repository) (repository, error) {
	p, full, err := b.provider(configured)
	if err != nil {
		return repository{}, err
	}
	found, err := p.Repository(ctx, full)
	switch {
	case isGone(err):
		return repository{Paused: unseen(providers.Repo{Provider: p.Name(), Owner: full})}, nil
	case err != nil:
		return repository{}, err
	}
	known, ok, err := repositoryByID(ctx, b.Store, p.Name(), found.ID)
	if err != nil || !ok || known.Name == strings.ToLower(configured) { // another job has met it meanwhile
		return shown(found), err
	}
	if !strings.EqualFold(found.FullName(), full) || len(b.projects(known.Name)) > 0 {
		return repository{Paused: fmt.Sprintf("%s is the repository that ShipSQL knows as %s; write %s in the configuration, nothing else",
			configured, known.Name, found)}, nil
	}
	return shown(found), b.move(ctx, known, configured)
}

// shown is a repository that the forge showed us.
func shown(found providers.Repo) repository {
	if found.Archived {
		return repository{Repo: found, Paused: found.String() + " is archived; unarchive it to go on"}
	}
	return repository{Repo: found}
}

// isGone says that the app can't see the repository. Forges don't tell whether
// it was deleted, or the app removed or suspended.
func isGone(err error) bool {
	return errors.Is(err, providers.ErrGone) || errors.Is(err, providers.ErrNotFound)
}

func unseen(repo providers.Repo) string {
	return "the app can't see " + strings.TrimSuffix(repo.String(), "/") + ": it is not installed there (any more) or suspended, or the repository is gone; install the app on the repository again"
}

// move takes along what is known under a renamed repository's old name, because
// the operator has written the new one into the configuration: the number says
// that it is the same. One transaction, in the audit.
func (b *Bot) move(ctx context.Context, known repository, to string) error {
	err := b.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := b.Deploy.MoveRepository(ctx, tx, known.Name, to); err != nil {
			return err
		}
		for _, statement := range sqlMove {
			if _, err := tx.Exec(ctx, statement, known.Name, to); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, sqlForgetRepository, known.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("move what is known of %s to %s: %w", known.Name, to, err)
	}
	b.Log.Info("A renamed repository's releases now stand under its new name; they were under "+known.Name, "repository", to)
	return nil
}

// learned stores what the forge said. A repository that can't be used any more
// closes the gates of its projects; one that can be again is caught up with.
func (b *Bot) learned(ctx context.Context, configured string, before, now repository) error {
	if now.Paused != before.Paused && now.Paused != "" {
		b.Log.Warn("A repository is paused: "+now.Paused, "repository", configured)
		if err := b.closeLines(ctx, configured, now.Paused); err != nil {
			return err
		}
	}
	if now.Repo.ID == 0 {
		return nil // never seen: there is no number to remember
	}
	if before.Repo.ID != 0 && before.Repo.String() != now.Repo.String() {
		b.Log.Info("A repository was renamed to "+now.Repo.String(), "repository", configured)
	}
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := now.save(ctx, tx); err != nil || before.Paused == "" || now.Paused != "" {
			return err
		}
		b.Log.Info("A repository can be used again", "repository", configured)
		return b.Queue.Enqueue(ctx, tx, reconcileJob(configured))
	})
}

// closeLines closes the gates of the repository's projects, and says why. The
// next sync-branch opens them.
func (b *Bot) closeLines(ctx context.Context, configured, why string) error {
	for _, project := range b.projects(configured) {
		_, started, err := b.Deploy.Cursor(ctx, project.ID())
		if err == nil && started {
			err = b.refuse(ctx, project, "repository", why, "")
		}
		if err != nil {
			return fmt.Errorf("close the gates of %s: %w", project.ID(), err)
		}
	}
	return nil
}

// matched finds the configured repository that a delivery is about: by the
// number, and by the name only where that name's number is not known yet. A
// repository that has taken a configured name matches nothing; the note says so.
func (b *Bot) matched(ctx context.Context, r received) (configured, note string, err error) {
	id := r.Event.Repo.ID
	byID, ok, err := repositoryByID(ctx, b.Store, r.Provider, id)
	if err != nil {
		return "", "", err
	}
	var found []repository
	if ok {
		found = append(found, byID)
	}
	configured, sure := b.bound(r, found...)
	switch {
	case configured == "":
		return "", unbound(r), nil
	case sure:
		return configured, "", nil
	}
	known, ok, err := loadRepository(ctx, b.Store, configured)
	if err == nil && !ok {
		known, err = b.look(ctx, configured)
	}
	switch {
	case err != nil || known.Repo.ID == id:
		return configured, "", err
	case known.Repo.ID == 0:
		return "", "", paused(known.Paused)
	}
	note = fmt.Sprintf("%s is another repository (number %d) than the configured one (number %d)", r.repository(), id, known.Repo.ID)
	b.Log.Warn("A webhook is ignored: "+note, "repository", configured, "delivery", r.GUID)
	return "", note, nil
}

// bound is the configured repository that a delivery is about as far as its number
// tells, found among known ones, else its name; "" for none. It is sure unless the
// number is not known yet: then the forge says whether the name stands for it.
func (b *Bot) bound(r received, known ...repository) (configured string, sure bool) {
	name, id := r.repository(), r.Event.Repo.ID
	i := slices.IndexFunc(known, func(k repository) bool { return k.Repo.Provider == r.Provider && k.Repo.ID == id })
	if i >= 0 {
		name = known[i].Name
	}
	projects := b.projects(name)
	if len(projects) == 0 {
		return "", true
	}
	return projects[0].Repository, i >= 0 || id == 0
}

// unbound is the note of a delivery that concerns no project.
func unbound(r received) string { return "no project is bound to " + r.repository() }

// paused is the error of work for a repository that the app can't use.
func paused(why string) error { return fault.New(errPaused.Code, "%s", why).Because(errPaused) }
