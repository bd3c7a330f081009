package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Tree lists the files below a directory at a commit.
func (p *Provider) Tree(ctx context.Context, repo providers.Repo, commit, dir string) ([]providers.TreeEntry, error) {
	dir = strings.Trim(dir, "/")
	if dir == "." {
		dir = ""
	}
	tree, err := p.tree(ctx, repo, commit, true)
	if err != nil {
		return nil, err
	}
	if !tree.GetTruncated() {
		return below(tree, "", dir), nil
	}
	return p.hugeTree(ctx, repo, commit, dir)
}

// hugeTree goes down to dir level by level and lists what is below it: the
// repository is larger than one answer, its migrations need not be.
func (p *Provider) hugeTree(ctx context.Context, repo providers.Repo, commit, dir string) ([]providers.TreeEntry, error) {
	sha := commit
	for _, name := range strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }) {
		level, err := p.tree(ctx, repo, sha, false)
		if err != nil {
			return nil, err
		}
		next := subtree(level, name)
		switch {
		case next == "" && level.GetTruncated():
			return nil, tooManyFiles(repo, dir)
		case next == "":
			return nil, nil
		}
		sha = next
	}
	tree, err := p.tree(ctx, repo, sha, true)
	if err != nil {
		return nil, err
	}
	if tree.GetTruncated() {
		return nil, tooManyFiles(repo, dir)
	}
	return below(tree, dir, dir), nil
}

func tooManyFiles(repo providers.Repo, dir string) error {
	return fmt.Errorf("%s: the tree of %q is truncated: %w", repo, dir, providers.ErrTooMany)
}

// tree reads one tree by its own id or a commit's.
func (p *Provider) tree(ctx context.Context, repo providers.Repo, sha string, recursive bool) (*github.Tree, error) {
	path := pathf("/git/trees/%s", sha)
	if recursive {
		path += "?recursive=1"
	}
	var tree github.Tree
	err := p.get(ctx, repo, path, &tree)
	return &tree, emptyRepository(unknownCommit(err))
}

// emptyRepository maps GitHub's 409 for a repository without any commit.
func emptyRepository(err error) error {
	if fault.CodeOf(err) == fault.Conflict {
		return fmt.Errorf("%w: %w", providers.ErrNotFound, err)
	}
	return err
}

// subtree is the id of a directory right in the tree, "" when it isn't there.
func subtree(tree *github.Tree, name string) string {
	for _, e := range tree.Entries {
		if e.GetPath() == name && e.GetType() == "tree" {
			return e.GetSHA()
		}
	}
	return ""
}

// below lists the files of a tree that stands at root, as far as they are in
// dir, by their paths from the repository's root.
func below(tree *github.Tree, root, dir string) []providers.TreeEntry {
	var files []providers.TreeEntry
	for _, e := range tree.Entries {
		path := strings.TrimPrefix(root+"/"+e.GetPath(), "/")
		if dir != "" && !strings.HasPrefix(path, dir+"/") {
			continue
		}
		if kind, ok := entryKind(e); ok {
			files = append(files, providers.TreeEntry{Path: path, Blob: e.GetSHA(), Size: int64(e.GetSize()), Kind: kind})
		}
	}
	return files
}

// entryKind tells files apart by git's mode; directories are no entries.
func entryKind(e *github.TreeEntry) (providers.EntryKind, bool) {
	switch {
	case e.GetType() == "tree":
		return "", false
	case e.GetType() == "commit":
		return providers.Submodule, true
	case e.GetMode() == "120000":
		return providers.Symlink, true
	}
	return providers.File, true
}
