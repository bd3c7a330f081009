package privateserver

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/shipsql/shipsql/internal/fault"
)

// account is whom a server runs as.
type account struct{ uid, gid int }

// unprivileged is the first of the named users when we are root, else ourselves.
func unprivileged(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{os.Geteuid(), os.Getegid()}, nil
	}
	for _, name := range names {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			return account{uid, gid}, nil
		}
	}
	return account{}, fault.New(fault.NotFound, "none of the users %s exists, and servers refuse to run as root", strings.Join(names, ", ")).
		Then("create one, or run as another user")
}

// credential makes a child run as the account; nil when that is who we are.
func (a account) credential() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// maxSocketPath is what sockaddr_un holds on the smallest of our systems (macOS).
const maxSocketPath = 103

// newHome makes a folder that only the account (and root) can enter.
func newHome(kind string, durable bool, a account) (string, error) {
	base, err := baseFor(durable, a)
	if err != nil {
		return "", err
	}
	home, err := os.MkdirTemp(base, "shipsql-"+kind+"-")
	if err != nil {
		return "", fmt.Errorf("make the server's folder: %w", err)
	}
	if err := os.Chown(home, a.uid, a.gid); err != nil {
		return "", fmt.Errorf("hand the folder to the server's user: %w", err)
	}
	return home, nil
}

// inMemory is a folder that is no disk's: where disks are slow, a database is made
// there five times faster.
const inMemory = "/dev/shm"

// roomInMemory is what must be free there: several servers may want some.
const roomInMemory = 4 << 30

// baseFor is the folder in memory, if the server needn't be durable and TMPDIR
// names no other, or the temporary folder, or /tmp when the account can't get into
// the former or a socket's path would be too long there.
func baseFor(durable bool, a account) (string, error) {
	bases := []string{os.TempDir(), "/tmp"}
	if !durable && os.Getenv("TMPDIR") == "" && room(inMemory) >= roomInMemory {
		bases = append([]string{inMemory}, bases...)
	}
	for _, base := range bases {
		if traversable(base, a) && len(base)+len("/shipsql-postgres-0123456789/.s.PGSQL.65535") <= maxSocketPath {
			return base, nil
		}
	}
	return "", fault.New(fault.Invalid, "user %d can't enter %s", a.uid, os.TempDir()).
		Then("set TMPDIR to a folder that every user can enter")
}

// room is how many bytes are free in a folder; 0 when there is none.
func room(dir string) uint64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize) // its type is the system's
}

// traversable says whether the account may walk down to the folder: its own or
// everyone's execute bit on each level. Groups are left out on purpose.
func traversable(dir string, a account) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		need := os.FileMode(0o001)
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == a.uid {
			need = 0o100
		}
		if info.Mode()&need == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}
