package syntax

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// self is the running binary, even after the file was replaced.
func self() (string, error) { return "/proc/self/exe", nil }

// diesWithParent makes the kernel kill the worker when its parent is gone.
func diesWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// limitMemory bounds the address space to what is mapped now plus extra bytes.
// Go's runtime reserves much address space it never uses, so the limit can't
// be an absolute number.
func limitMemory(extra uint64) error {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	size, _, _ := bytes.Cut(statm, []byte(" "))
	pages, err := strconv.ParseUint(string(size), 10, 64)
	if err != nil {
		return err
	}
	limit := pages*uint64(os.Getpagesize()) + extra
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit})
}
