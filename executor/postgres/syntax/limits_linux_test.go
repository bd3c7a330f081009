package syntax_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// mapped is how much of files the process has in memory, in KiB.
func mapped(t *testing.T) (size int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(line, &size); err != nil {
		t.Fatal(err)
	}
	return size
}

// ownProgram maps this program once more, all of it in memory.
func ownProgram(t *testing.T, size, rights int) []byte {
	t.Helper()
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	memory, err := unix.Mmap(int(program.Fd()), 0, size, rights, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	return memory
}

// TestAWorkerDropsWhatStartedIt: but nothing that was changed in memory, as a
// linker does before it makes the place read-only.
func TestAWorkerDropsWhatStartedIt(t *testing.T) {
	const size = 4 << 20
	ownProgram(t, size, unix.PROT_READ)
	changed := ownProgram(t, size, unix.PROT_READ|unix.PROT_WRITE)
	changed[size/2]++
	want := string(changed)
	if err := unix.Mprotect(changed, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	before := mapped(t)
	syntax.DropStart()
	if dropped := before - mapped(t); dropped < size>>10*3/4 { // what runs comes again at once
		t.Errorf("%d KiB were dropped, %d KiB are not needed", dropped, size>>10)
	}
	if string(changed) != want {
		t.Error("what was changed in memory is lost")
	}
}
