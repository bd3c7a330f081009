package serve

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/shipsql/shipsql/internal/fault"
)

// lockSuffix makes the name of the lock's file from the store's.
const lockSuffix = ".lock"

// lockStore makes this process the only one that serves from a SQLite store; a
// second would run the same jobs. The lock is the operating system's, on a file
// beside the store, so it ends with the process, however that ends. Other
// commands may look at the store meanwhile, and a PostgreSQL store is for many.
func lockStore(o Options) (unlock func() error, err error) {
	path, sqlite, err := o.Config.SQLite()
	if err != nil || !sqlite {
		return func() error { return nil }, err
	}
	file, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unlockable(path, err).Then("check that its folder exists and is writable")
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = inUse(path)
	case err != nil:
		err = unlockable(path, err).Then("put it on a file system that can lock files")
	default:
		err = sign(file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}

func unlockable(path string, err error) *fault.Error {
	return fault.New(fault.Invalid, "can't lock the store").At(path).Because(err)
}

// sign writes down who holds the lock, for the error of the next.
func sign(file *os.File) error {
	host, _ := os.Hostname() // for people: none is no harm
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(file, "process %d on %s\n", os.Getpid(), host)
	return err
}

func inUse(path string) error {
	holder := "another process"
	if text, err := os.ReadFile(path + lockSuffix); err == nil && len(text) > 0 {
		holder = strings.TrimSpace(string(text))
	}
	return fault.New(fault.Conflict, "%s serves from this store already, and SQLite is for one", holder).At(path).
		Then("stop it first, or set store: postgres://… for several processes")
}
