package spool_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/shipsql/shipsql/internal/spool"
)

// notes is a text of several windows.
var notes = strings.Repeat("INSERT INTO notes VALUES (1);\n", 1<<18)

// spooled is a text in a spool.
func spooled(t *testing.T, text string) string {
	t.Helper()
	content, err := spool.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return unsafe.String(unsafe.SliceData(content), len(content))
}

func TestTheTextIsWholeAndLeavesNoFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	got := spooled(t, notes)
	for range 3 { // its pages are given back, and come again
		if strings.Join(slices.Collect(spool.Parts(got)), "") != notes {
			t.Fatal("the text is not what was read")
		}
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

func TestAnEmptyText(t *testing.T) {
	if got := spooled(t, ""); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestNoRoomIsSaid(t *testing.T) {
	text := spooled(t, "y")
	t.Setenv("TMPDIR", "/nowhere")
	if _, err := spool.Read(bytes.NewReader([]byte("x"))); err == nil {
		t.Error("no error")
	}
	if _, err := spool.Join("x", text); err == nil {
		t.Error("no error")
	}
}

func TestPartsAreWholeLines(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, text := range map[string]string{
		"empty": "", "short": "a\nb", "lines": notes, "no line end": notes + "x", "one line": long, "long lines": long + "\n" + notes + long + "\n\n",
	} {
		parts := slices.Collect(spool.Parts(text))
		if strings.Join(parts, "") != text {
			t.Errorf("%s: the parts are not the text", name)
		}
		for i, part := range parts {
			if !strings.HasSuffix(part, "\n") && i < len(parts)-1 || part == "" {
				t.Errorf("%s: part %d of %d is no whole line", name, i, len(parts))
			}
		}
	}
	if parts := slices.Collect(spool.Parts(notes)); len(parts) < 5 {
		t.Errorf("%d parts of %d bytes", len(parts), len(notes))
	}
}

func TestWordsAreCountedInAllParts(t *testing.T) {
	if n := spool.Count(notes, "notes"); n != 1<<18 {
		t.Errorf("%d words", n)
	}
	if !spool.Contains(notes+"x", "x") || spool.Contains(notes, "x") {
		t.Error("x is found where it is not, or not where it is")
	}
}

func TestJoin(t *testing.T) {
	text := spooled(t, notes)
	for _, parts := range [][]string{{}, {"", ""}, {"\n\n", text}, {text, "\n", text[10:20]}, {"a", "b"}} {
		if got, err := spool.Join(parts...); err != nil || got != strings.Join(parts, "") {
			t.Errorf("%d parts: %d bytes, %v", len(parts), len(got), err)
		}
	}
}
