package enginetest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// largeFile applies a file with processes of their own: what it has more of than
// a small file is not in their memory, at no moment.
func largeFile(t *testing.T, b *Bench) {
	const size, rows = 20 << 20, 100
	insert := "insert into notes values " + strings.TrimSuffix(strings.Repeat("(1, '"+strings.Repeat("word ", 30)+"'),\n", rows), ",\n") + ";\n"
	apply := func(inserts int) (peak int) {
		b := b.engine.NewBench(t)
		peak = b.peakOf(Folder(t, map[string]string{
			"1_notes.sql": "-- +goose Up\ncreate table notes (n int, note varchar(200));\n",
			"2_rows.sql":  "-- +goose Up\n" + strings.Repeat(insert, inserts) + "-- +goose Down\ndelete from notes;\n",
		}))
		b.Want("select count(*) from notes", fmt.Sprint(inserts*rows))
		return peak
	}
	small, large := apply(2<<20/len(insert)), apply(size/len(insert))
	t.Logf("%d KiB for 2 MiB, %d KiB for %d MiB", small, large, size>>20)
	if more := large - small; more > memoryFactor*size>>10/2 {
		t.Errorf("%d KiB more for a file of %d KiB", more, size>>10)
	}
}

// peakOf is the most memory in KiB that a process had which applied a directory.
func (b *Bench) peakOf(dir string) (peak int) {
	b.tb.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), childURL+"="+b.URL, childDir+"="+dir)
	out, err := cmd.Output()
	if err != nil {
		b.tb.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if _, err := fmt.Sscanf(lines[len(lines)-1], "peak %d", &peak); err != nil {
		b.tb.Fatal(err)
	}
	return peak
}

// ownPeak is the most memory in KiB that this process had, where Linux tells.
func ownPeak() (peak int) {
	status, _ := os.ReadFile("/proc/self/status")
	if _, line, found := strings.Cut(string(status), "VmHWM:"); found {
		_, _ = fmt.Sscan(line, &peak)
	}
	return peak
}
