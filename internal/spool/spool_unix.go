//go:build unix

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spool is one mapped text. It stays until the process ends; so does the room
// that it takes in the folder of temporary files.
type spool struct {
	text   []byte
	passed atomic.Int64 // bytes that were read since the pages were given back
	older  *spool
}

// newest heads the list of all spools.
var newest atomic.Pointer[spool]

// Read copies all of r and returns it as bytes that must not be written to.
func Read(r io.Reader) ([]byte, error) {
	return spooled(func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// Join returns the parts as one text, which is spooled if one of them is.
func Join(parts ...string) (string, error) {
	inMemory := true
	for _, part := range parts {
		inMemory = inMemory && find(part) == nil
	}
	if inMemory {
		return strings.Join(parts, ""), nil
	}
	text, err := spooled(func(w io.Writer) error {
		for _, part := range parts {
			for piece := range Parts(part) {
				if _, err := io.WriteString(w, piece); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return unsafe.String(unsafe.SliceData(text), len(text)), err //nolint:gosec // nobody writes to it
}

// spooled maps what write writes.
func spooled(write func(io.Writer) error) (text []byte, err error) {
	file, err := os.CreateTemp("", "shipsql-spool-")
	if err != nil {
		return nil, fmt.Errorf("a large file needs room in the folder of temporary files: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }() // the mapping keeps the file
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	if err := write(file); err != nil {
		return nil, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return nil, err
	}
	text, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	s := &spool{text: text, older: newest.Load()}
	for !newest.CompareAndSwap(s.older, s) {
		s.older = newest.Load()
	}
	return text, nil
}

// find returns the spool that holds a text; nil: it is in memory.
func find(text string) *spool {
	at := uintptr(unsafe.Pointer(unsafe.StringData(text))) //nolint:gosec // addresses to compare
	for s := newest.Load(); s != nil; s = s.older {
		start := uintptr(unsafe.Pointer(unsafe.SliceData(s.text))) //nolint:gosec // likewise
		if at >= start && at < start+uintptr(len(s.text)) {
			return s
		}
	}
	return nil
}

// Passed says that a text was read, perhaps one of many in a file. When a window
// of a spool was read, its pages leave the process' memory. They stay in the
// system's cache, so reading one again costs a page fault.
func Passed(text string) {
	s := find(text)
	if s == nil || s.passed.Add(int64(len(text))) < window {
		return
	}
	s.passed.Store(0)
	_ = unix.Madvise(s.text, unix.MADV_DONTNEED) // without it the text only stays resident
}
