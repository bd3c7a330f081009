package postgres_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
)

// TestALargeFile runs a file of many windows, and one that fails in the middle
// of them: the session goes on after that.
func TestALargeFile(t *testing.T) {
	b := newBench(t)
	b.Exec("create table a(n int, note text)")
	row := "insert into a values (1, '" + strings.Repeat("x", 1000) + "');\n"
	large := strings.Repeat(row, 5000)
	_, err := b.ApplyFiles(map[string]string{"1_a.sql": strings.Repeat(row, 2000) + "select 1/0;\n" + strings.Repeat(row, 2000)})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 2001 || failure.Line != 2001 || failure.SQLState != "22012" {
		t.Fatalf("error %v", err)
	}
	b.Want("select count(*) from a", "0")
	migrations := load(t, map[string]string{"1_a.sql": large})
	var before, most runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	run := executor.Run{Migrations: migrations, Progress: func(e executor.Event) {
		if e.Statement == e.Total && e.State == executor.EventDone {
			runtime.GC()
			runtime.ReadMemStats(&most)
		}
	}}
	if _, err := b.Apply(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	b.Want("select count(*) from a", "5000")
	grown := int64(most.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("the heap holds %d KiB more for %d KiB of text", grown>>10, len(large)>>10)
	if grown > int64(len(large))*3/4 {
		t.Errorf("the heap holds %d KiB more for %d KiB of text: it is kept twice", grown>>10, len(large)>>10)
	}
}
