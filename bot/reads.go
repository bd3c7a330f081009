package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/reviewer"
)

// treeKey names a listing, which never changes.
type treeKey struct{ repository, commit, dir string }

// tree lists the files below a directory at a commit.
func (b *Bot) tree(ctx context.Context, repository, commit, dir string) ([]providers.TreeEntry, error) {
	key := treeKey{repository, commit, dir}
	if entries, ok := b.trees.Get(key); ok {
		return entries, nil
	}
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return nil, err
	}
	entries, err := p.Tree(ctx, repo, commit, dir)
	if err != nil {
		return nil, fmt.Errorf("list %s at %s: %w", dir, commit, err)
	}
	b.trees.Add(key, entries)
	return entries, nil
}

// policyFile stands in the repository's root.
const policyFile = ".shipsql.yaml"

var errPolicy = fault.New(fault.Invalid, "%s on the base branch can't be used", policyFile)

// maxPolicy is the size at which a policy is refused: people write it by hand.
const maxPolicy = 1 << 20

// policy reads the policy at a commit: the default where there is no file, an
// error with the code invalid where it can't be understood.
func (b *Bot) policy(ctx context.Context, repository, commit string, tree []providers.TreeEntry) (reviewer.Policy, error) {
	for _, e := range tree {
		if e.Path == policyFile {
			return b.policyAt(ctx, repository, commit, e)
		}
	}
	return reviewer.Policy{}, nil
}

func (b *Bot) policyAt(ctx context.Context, repository, commit string, e providers.TreeEntry) (reviewer.Policy, error) {
	if known, ok := b.policies.Get(e.Blob); ok {
		return known, nil
	}
	if e.Size > maxPolicy {
		return reviewer.Policy{}, errPolicy.Because(providers.ErrTooLarge{Path: e.Path, Limit: maxPolicy})
	}
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return reviewer.Policy{}, err
	}
	blobs, err := p.Blobs(ctx, repo, commit, []providers.TreeEntry{e})
	if err != nil {
		return reviewer.Policy{}, fmt.Errorf("read %s: %w", policyFile, err)
	}
	policy, err := reviewer.LoadPolicy(blobs[e.Blob])
	if err != nil {
		return policy, errPolicy.Because(err)
	}
	b.policies.Add(e.Blob, policy)
	return policy, nil
}

// contents reads the added and modified files: from their patches where those
// prove it, from the forge otherwise.
func (b *Bot) contents(ctx context.Context, repository, commit string, changes []change) (found map[string][]byte, unread map[string]string, err error) {
	found, unread = map[string][]byte{}, map[string]string{}
	var missing []providers.TreeEntry
	for _, c := range changes {
		if c.Status == providers.Removed {
			continue
		}
		content, ok := contentOf(providers.ChangedFile{Status: c.Status, Patch: c.Patch, Blob: c.Blob})
		if ok {
			found[c.Path] = content
			continue
		}
		missing = append(missing, providers.TreeEntry{Path: c.Path, Blob: c.Blob, Kind: providers.File})
	}
	if len(missing) == 0 {
		return found, unread, nil
	}
	return found, unread, b.fetch(ctx, repository, commit, missing, found, unread)
}

// fetch reads entries into found; those over the limit go to unread.
func (b *Bot) fetch(ctx context.Context, repository, commit string, missing []providers.TreeEntry, found map[string][]byte, unread map[string]string) error {
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return err
	}
	blobs, err := p.Blobs(ctx, repo, commit, missing)
	large, err := tooLarge(err)
	if err != nil {
		return fmt.Errorf("read the changed files: %w", err)
	}
	for _, e := range missing {
		if content, ok := blobs[e.Blob]; ok {
			found[e.Path] = content
			continue
		}
		unread[e.Path] = "the forge did not give its content"
		if l, ok := large[e.Path]; ok {
			unread[e.Path] = fmt.Sprintf("it is larger than %d bytes", l.Limit)
		}
	}
	return nil
}

// isPrivate says whether only members see the repository; when nobody knows,
// texts are masked as for the public.
func (b *Bot) isPrivate(ctx context.Context, repository string) bool {
	known, ok, err := loadRepository(ctx, b.Store, repository)
	return err == nil && ok && known.Repo.Private
}

// tooMany says that the forge did not list everything.
func tooMany(err error) bool { return errors.Is(err, providers.ErrTooMany) }
