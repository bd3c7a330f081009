package adjacent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// since is a file without which a version can't run beside others on PostgreSQL.
const since = "store/presence.go"

// previous is the commit to run beside this one.
func previous(t *testing.T) string {
	t.Helper()
	named := os.Getenv("SHIPSQL_PREVIOUS")
	commit := named
	if commit == "" {
		commit = "HEAD"
		if _, err := git(t.Context(), "diff", "--quiet", "HEAD"); err == nil {
			commit = "HEAD^1"
		}
	}
	sha, err := git(t.Context(), "rev-parse", "--verify", commit+"^{commit}")
	switch {
	case err != nil && named != "":
		t.Fatalf("SHIPSQL_PREVIOUS: %v", err)
	case err != nil:
		t.Skipf("NOT TESTED: two adjacent versions side by side. There is no commit before this one here (%s): %v", commit, err)
	}
	if _, err := git(t.Context(), "cat-file", "-e", sha+":"+since); err != nil {
		t.Skipf("NOT TESTED: two adjacent versions side by side. %s is older than the PostgreSQL store", sha)
	}
	return sha
}

func git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// build makes the binary of the working folder's version.
func build(ctx context.Context, folder, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-w", "-o", to, "./cmd/shipsql")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build in %s: %w\n%s", folder, err, out)
	}
	return nil
}

// buildCommit makes a commit's binary, or finds it.
func buildCommit(ctx context.Context, sha string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "shipsql-adjacent")
	binary := filepath.Join(cache, sha)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := errors.Join(os.RemoveAll(cache), os.MkdirAll(cache, 0o700)); err != nil { // of earlier commits
		return "", err
	}
	tree, err := os.MkdirTemp("", "shipsql-adjacent-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tree)
	if err := export(ctx, sha, tree); err != nil {
		return "", err
	}
	part := binary + ".part"
	return binary, errors.Join(build(ctx, tree, part), os.Rename(part, binary))
}

// export writes a commit's files to a folder. (No worktree: that would be written
// down in the repository.)
func export(ctx context.Context, sha, folder string) error {
	root, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	archive := filepath.Join(folder, "commit.tar")
	if _, err := git(ctx, "-C", root, "archive", "--output", archive, sha); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", archive, "-C", folder).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w\n%s", err, out)
	}
	return nil
}
