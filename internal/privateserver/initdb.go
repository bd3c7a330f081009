package privateserver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// installer makes a server's first data folder.
type installer struct {
	server  string   // the server's program: a template is good for this build of it
	command []string // makes the folder; the folder's path goes onto its last word
}

func initdb(bin string) installer {
	return installer{filepath.Join(bin, "postgres"), []string{
		filepath.Join(bin, "initdb"), "--username=" + superuser, "--encoding=UTF8", "--no-locale", "--no-sync",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pgdata=",
	}}
}

// initialise fills the data folder. Installing takes seconds, so the result is
// kept as a template in the temporary folder and copied from there.
func initialise(ctx context.Context, i installer, data string, a account) error {
	template, err := i.templatePath(a)
	if err != nil {
		return err
	}
	if trusted(template, a) && runAs(ctx, a, "cp", "-R", "-p", template, data) == nil {
		return nil
	}
	if err := os.RemoveAll(data); err != nil { // a copy that failed half-way
		return err
	}
	if err := i.run(ctx, data, a); err != nil {
		return err
	}
	return keepTemplate(ctx, data, template, a)
}

func (i installer) run(ctx context.Context, data string, a account) error {
	last := len(i.command) - 1
	if err := runAs(ctx, a, i.command[0], append(slices.Clone(i.command[1:last]), i.command[last]+data)...); err != nil {
		return err
	}
	return os.Chmod(data, 0o700) //nolint:gosec // a folder, which MySQL lets its group into
}

// keepTemplate copies the fresh data folder beside the template's place and
// renames it, so that a template is whole or absent. Losing the race is fine.
func keepTemplate(ctx context.Context, data, template string, a account) error {
	part, err := os.MkdirTemp(filepath.Dir(template), "shipsql-initdb-part-")
	if err != nil {
		return fmt.Errorf("keep the template: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.Chown(part, a.uid, a.gid); err != nil {
		return fmt.Errorf("keep the template: %w", err)
	}
	if err := runAs(ctx, a, "cp", "-R", "-p", data, filepath.Join(part, "data")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(part, "data"), template); err != nil && !trusted(template, a) {
		return fmt.Errorf("keep the template: %w", err)
	}
	return nil
}

// templatePath depends on the installation, the command and the user: a template
// of another version or owner must never be used.
func (i installer) templatePath(a account) (string, error) {
	base, err := baseFor(true, a)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(i.server)
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %d %d", i.command, info.ModTime().UnixNano(), info.Size()))
	return filepath.Join(base, fmt.Sprintf("shipsql-initdb-%d-%x", a.uid, key[:6])), nil
}

// trusted says that the folder is the account's own and closed to others, not
// one that somebody else put there for us to find.
func trusted(dir string, a account) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == a.uid
}

// runAs runs a command as the account; its output is part of the error.
func runAs(ctx context.Context, a account, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return nil
}
