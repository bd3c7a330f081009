//go:build !linux

package syntax

import (
	"os"
	"syscall"
)

// self is the running binary.
func self() (string, error) { return os.Executable() }

// diesWithParent is left to the pipe: a worker ends when its stdin is closed.
func diesWithParent() *syscall.SysProcAttr { return nil }

// limitMemory does nothing where /proc does not tell what is mapped; the
// timeout and the guards still hold.
func limitMemory(uint64) error { return nil }

// dropStart is not known to work here.
func dropStart() {}
