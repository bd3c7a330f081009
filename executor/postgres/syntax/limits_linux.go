package syntax

import (
	"bytes"
	"os"
	"strconv"
	"strings"
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

// dropStart gives back the pages of the program that starting it has mapped: all
// of ShipSQL starts, and a worker needs little of it. They stay in the system's
// cache, and come again when they are used. Where it fails, the worker is larger.
func dropStart() {
	smaps, _ := os.ReadFile("/proc/self/smaps")
	var start, end uint64
	var readOnly bool
	for line := range bytes.Lines(smaps) {
		fields := strings.Fields(string(line))
		from, to, isMapping := strings.Cut(fields[0], "-")
		switch {
		case isMapping:
			start, _ = strconv.ParseUint(from, 16, 64)
			end, _ = strconv.ParseUint(to, 16, 64)
			readOnly = fields[1][0] == 'r' && fields[1][1] == '-'
		case fields[0] == "Anonymous:" && fields[1] == "0" && readOnly: // all of it is in the file
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(start), uintptr(end-start), syscall.MADV_DONTNEED)
		}
	}
}
