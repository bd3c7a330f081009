package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// The test binary plays other nodes: the variable names the part, its value is
// the store's URL.
const (
	playWriter  = "SHIPSQL_STORE_WRITER"  // writes until it is killed
	playCounter = "SHIPSQL_STORE_COUNTER" // increments some times
	playHolder  = "SHIPSQL_STORE_HOLDER"  // says that it has the turn, and increments once it is told to go on
)

// number is how often a counter increments, and where a writer begins.
const number = "SHIPSQL_STORE_NUMBER"

func TestMain(m *testing.M) {
	for part, act := range map[string]func(context.Context, *store.DB) error{
		playWriter: writeForever, playCounter: count, playHolder: hold,
	} {
		if url := os.Getenv(part); url != "" {
			if err := perform(url, act); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func perform(url string, act func(context.Context, *store.DB) error) error {
	ctx := context.Background()
	db, err := store.Open(ctx, secret.Literal(url), clock.System)
	if err != nil {
		return err
	}
	return act(ctx, db)
}

// play is another process that plays a part.
func play(t *testing.T, part, url, n string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), part+"="+url, number+"="+n)
	return cmd
}

// writeForever prints each number once it is committed.
func writeForever(ctx context.Context, db *store.DB) error {
	first, err := strconv.Atoi(os.Getenv(number))
	if err != nil {
		return err
	}
	for n := first; ; n++ {
		if _, err := db.Exec(ctx, "INSERT INTO t VALUES ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func count(ctx context.Context, db *store.DB) error {
	n, err := strconv.Atoi(os.Getenv(number))
	for range n {
		if err := add(ctx, db); err != nil {
			return err
		}
	}
	return err
}

// hold has the turn until its session ends, the first time.
func hold(ctx context.Context, db *store.DB) error {
	first := true
	err := db.Tx(ctx, func(tx *store.Tx) error {
		fmt.Println("holds the turn")
		for first {
			if _, err := tx.Exec(ctx, "SELECT pg_sleep(0.001)"); err != nil {
				first = false
				return err
			}
		}
		return increment(ctx, tx)
	})
	if err == nil {
		fmt.Println("done")
	}
	return err
}

func linesOf(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(r); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}

func TestWhatWasCommittedSurvivesSIGKILL(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		url, err := storetest.URL(t).Read()
		if err != nil {
			t.Fatal(err)
		}
		db := open(t, url)
		mustExec(t, db, "CREATE TABLE t(n bigint)")
		const rounds, commits, apart = 5, 30, 1000
		for round := range rounds {
			first := round * apart // a PostgreSQL may still commit what the killed one of the round before sent last
			last := killWriterAfter(t, url, first, commits)
			var got []int
			for _, n := range numbers(t, db) {
				if n >= first {
					got = append(got, n)
				}
			}
			if reported := last - first + 1; len(got) < reported || len(got) > reported+1 || got[len(got)-1] > last+1 {
				t.Fatalf("%d commits were reported, %d rows survive", reported, len(got))
			}
		}
	})
}

// killWriterAfter kills a writer once it has reported n commits, and returns the
// last it reported before it died.
func killWriterAfter(t *testing.T, url string, first, n int) (last int) {
	t.Helper()
	cmd := play(t, playWriter, url, strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for line := range linesOf(out) {
		if last, err = strconv.Atoi(line); err != nil {
			t.Errorf("the writer says %s", line)
			break
		}
		if last == first+n-1 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return last
}
