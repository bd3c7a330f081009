package spool_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/spool"
)

func TestTheTextIsWholeAndLeavesNoFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	want := bytes.Repeat([]byte("INSERT INTO notes VALUES (1);\n"), 1<<18)
	got, err := spool.Read(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	// Its pages are given back all the while, and come again.
	for until := time.Now().Add(50 * time.Millisecond); time.Now().Before(until); {
		if !bytes.Equal(got, want) {
			t.Fatal("the text is not what was read")
		}
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

func TestAnEmptyText(t *testing.T) {
	got, err := spool.Read(bytes.NewReader(nil))
	if err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNoRoomIsSaid(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	if _, err := spool.Read(bytes.NewReader([]byte("x"))); err == nil {
		t.Error("no error")
	}
}
