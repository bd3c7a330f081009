//go:build unix

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// giveBack is how often pages that were read leave the process' memory. They stay
// in the system's cache, so reading one again costs a page fault.
const giveBack = time.Millisecond

// Read copies all of r and returns it as bytes that must not be written to. They
// stay valid until the process ends; so does the room that they take in the folder
// of temporary files.
func Read(r io.Reader) (text []byte, err error) {
	file, err := os.CreateTemp("", "shipsql-spool-")
	if err != nil {
		return nil, fmt.Errorf("a large file needs room in the folder of temporary files: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }() // the mapping keeps the file
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	size, err := io.Copy(file, r)
	if err != nil || size == 0 {
		return nil, err
	}
	text, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	go func() {
		for range time.Tick(giveBack) {
			_ = unix.Madvise(text, unix.MADV_DONTNEED) // without it the text only stays resident
		}
	}()
	return text, nil
}
