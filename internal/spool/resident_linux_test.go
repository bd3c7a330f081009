package spool_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/spool"
)

// residentKiB is how much of all spools the process has in memory.
func residentKiB(t *testing.T) (sum int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	inSpool := false
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		if strings.Contains(fields[0], "-") {
			inSpool = strings.Contains(line, "shipsql-spool-")
		}
		if inSpool && fields[0] == "Rss:" {
			n, _ := strconv.Atoi(fields[1])
			sum += n
		}
	}
	return sum
}

func TestPagesAreGivenBackBehindTheReader(t *testing.T) {
	text := spooled(t, notes)
	before := residentKiB(t) // of other tests' spools
	_ = strings.Count(text, "\n")
	if all := residentKiB(t) - before; all < len(notes)>>10 {
		t.Fatalf("%d KiB are resident of a text of %d KiB that was read", all, len(notes)>>10)
	}
	spool.Passed(text)
	joined, err := spool.Join("x", text)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for part := range spool.Parts(joined) {
		_ = strings.Count(part, "\n")
		most = max(most, residentKiB(t))
	}
	if most-before > len(notes)>>11 {
		t.Errorf("%d KiB were resident of %d", most-before, len(notes)>>10)
	}
	if after := residentKiB(t) - before; after > 3<<10 {
		t.Errorf("%d KiB are resident after the text was read", after)
	}
}
