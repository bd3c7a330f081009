package privateserver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// initialise fills the data folder. Running initdb takes about a second, so its
// result is kept as a template in the temporary folder and copied from there.
func initialise(ctx context.Context, bin, data string, a account) error {
	template, err := templatePath(bin, a)
	if err != nil {
		return err
	}
	if trusted(template, a) && runAs(ctx, a, "cp", "-R", "-p", template, data) == nil {
		return nil
	}
	if err := os.RemoveAll(data); err != nil { // a copy that failed half-way
		return err
	}
	if err := runInitdb(ctx, bin, data, a); err != nil {
		return err
	}
	return keepTemplate(ctx, data, template, a)
}

func runInitdb(ctx context.Context, bin, data string, a account) error {
	return runAs(ctx, a, filepath.Join(bin, "initdb"), "--pgdata="+data, "--username="+superuser,
		"--encoding=UTF8", "--no-locale", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256")
}

// keepTemplate copies the fresh data folder beside the template's place and
// renames it, so that a template is whole or absent. Losing the race is fine.
func keepTemplate(ctx context.Context, data, template string, a account) error {
	part, err := os.MkdirTemp(filepath.Dir(template), "shipsql-initdb-part-")
	if err != nil {
		return fmt.Errorf("keep the initdb template: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.Chown(part, a.uid, a.gid); err != nil {
		return fmt.Errorf("keep the initdb template: %w", err)
	}
	if err := runAs(ctx, a, "cp", "-R", "-p", data, filepath.Join(part, "data")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(part, "data"), template); err != nil && !trusted(template, a) {
		return fmt.Errorf("keep the initdb template: %w", err)
	}
	return nil
}

// templatePath depends on the installation and the user: a template of another
// version or owner must never be used.
func templatePath(bin string, a account) (string, error) {
	base, err := baseFor(a)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(filepath.Join(bin, "postgres"))
	if err != nil {
		return "", err
	}
	// 2 is the version of initdb's arguments above.
	key := sha256.Sum256(fmt.Appendf(nil, "2 %s %d %d", bin, info.ModTime().UnixNano(), info.Size()))
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
