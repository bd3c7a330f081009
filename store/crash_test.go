package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// The test binary plays the process that writes and is killed.
const playWriter = "SHIPSQL_STORE_WRITER"

func TestMain(m *testing.M) {
	if url := os.Getenv(playWriter); url != "" {
		fmt.Println(writeForever(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever prints each number once it is committed.
func writeForever(url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, secret.Literal(url), clock.System)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := db.Exec(ctx, "INSERT INTO t VALUES ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestWhatWasCommittedSurvivesSIGKILL(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(t.Context(), secret.Literal(url), clock.System)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	mustExec(t, db, "CREATE TABLE t(n bigint)")
	const rounds, commits = 5, 30
	for range rounds {
		mustExec(t, db, "DELETE FROM t")
		last := killWriterAfter(t, url, commits)
		got := numbers(t, db)
		if len(got) < last || got[len(got)-1] > last+1 {
			t.Fatalf("%d commits were reported, %d rows survive", last, len(got))
		}
	}
}

// killWriterAfter kills the writer once it has reported n commits, and returns
// the last it reported before it died.
func killWriterAfter(t *testing.T, url string, n int) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), playWriter+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Errorf("the writer says %s", lines.Text())
			break
		}
		if last == n {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return last
}
