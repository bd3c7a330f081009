package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/queue/redisbell"
	"github.com/shipsql/shipsql/store"
)

// The test binary plays the worker that is killed.
const playWorker = "SHIPSQL_QUEUE_WORKER"

const crashLease = 400 * time.Millisecond

// What the worker's bell and options are, when not of this process and quick.
const (
	playRedis    = "SHIPSQL_QUEUE_REDIS"
	playDefaults = "SHIPSQL_QUEUE_DEFAULTS"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(playWorker); url != "" {
		fmt.Println("worker ended:", work(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// work runs jobs until it is killed: a "hang" job says that it started and never
// ends, a "count" job takes a moment and leaves a row.
func work(url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, secret.Literal(url), clock.System)
	if err != nil {
		return err
	}
	o := crashOptions()
	if os.Getenv(playDefaults) != "" {
		o = queue.Options{Workers: 1}
	}
	q := queue.New(db, bellAt(os.Getenv(playRedis)), quiet, o)
	q.Handle("hang", func(_ context.Context, job queue.Job) error {
		fmt.Println("started", job.Fence)
		if job.Fence == 1 {
			select {}
		}
		return nil
	})
	q.Handle("count", func(ctx context.Context, job queue.Job) error {
		fmt.Println("counting")
		_, err := db.Exec(ctx, "INSERT INTO counted VALUES ($1, $2)", job.ID, job.Fence)
		return err
	})
	fmt.Println("ready")
	return q.Run(ctx)
}

// bellAt is a bell on the Redis at url, or of this process if there is none.
func bellAt(url string) queue.Bell {
	if url == "" {
		return bell.NewLocal()
	}
	b, err := redisbell.New(secret.Literal(url), quiet)
	if err != nil {
		panic(err)
	}
	return b
}

func crashOptions() queue.Options {
	return queue.Options{Workers: 2, Lease: crashLease, Reconcile: 20 * time.Millisecond, BackoffMin: time.Millisecond}
}

// onBoth runs a test on a SQLite and on a PostgreSQL store, as worker processes
// open them.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteURL(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, privateserver.Database(t)) })
}

// crashStore is a store that worker processes can open too.
func crashStore(t *testing.T, url string) (*store.DB, *queue.Queue) {
	t.Helper()
	db := openStore(t, url)
	if _, err := db.Exec(t.Context(), "CREATE TABLE counted (job text NOT NULL, fence bigint NOT NULL, PRIMARY KEY (job, fence))"); err != nil {
		t.Fatal(err)
	}
	return db, queue.New(db, bell.NewLocal(), quiet, crashOptions())
}

// worker is a running worker process.
type worker struct {
	cmd   *exec.Cmd
	lines chan string // what it prints; closed at its end
}

func startWorker(t *testing.T, url string, environment ...string) *worker {
	t.Helper()
	w := &worker{cmd: exec.Command(os.Args[0]), lines: make(chan string, 1000)}
	w.cmd.Env = append(append(os.Environ(), playWorker+"="+url), environment...)
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			w.lines <- scan.Text()
		}
	}()
	t.Cleanup(w.kill)
	return w
}

// kill is SIGKILL; a second one does nothing.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

func (w *worker) waitFor(t *testing.T, prefix string) {
	t.Helper()
	for !strings.HasPrefix(next(t, w.lines), prefix) {
	}
}

func TestAKilledWorkersJobIsTakenUpWithinItsLease(t *testing.T) { onBoth(t, takenUp) }

func takenUp(t *testing.T, url string) {
	db, q := crashStore(t, url)
	enqueue(t, db, q, queue.NewJob{Kind: "hang", Key: "k"})
	first := startWorker(t, url)
	first.waitFor(t, "started 1")
	first.kill()
	died := time.Now()
	second := startWorker(t, url)
	second.waitFor(t, "started 2")
	// The defaults differ only in size: 15 s lease + 4 s look < 20 s.
	if took := time.Since(died); took > crashLease+patience/2 {
		t.Errorf("the job waited %s", took)
	}
	idle(t, q)
}

func TestNoJobIsLostOverKills(t *testing.T) { onBoth(t, survivesKills) }

func survivesKills(t *testing.T, url string) {
	db, q := crashStore(t, url)
	jobs, kills := 60, 10
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		jobs, kills = 2000, 300
	}
	for n := range jobs {
		enqueue(t, db, q, queue.NewJob{Kind: "count", Key: strconv.Itoa(n % 7), Payload: n})
	}
	for range kills {
		w := startWorker(t, url)
		w.waitFor(t, "ready")
		for range rand.N(5) {
			select {
			case _, open := <-w.lines:
				if !open {
					t.Fatal("the worker ended by itself")
				}
			case <-time.After(crashLease): // what remains is still leased, or nothing
			}
		}
		w.kill()
	}
	startWorker(t, url)
	idle(t, q)
	if got := states(t, db)["done"]; got != jobs {
		t.Errorf("%d of %d jobs done", got, jobs)
	}
	var counted int
	if err := db.QueryRow(t.Context(), "SELECT count(DISTINCT job) FROM counted").Scan(&counted); err != nil {
		t.Fatal(err)
	}
	if counted != jobs {
		t.Errorf("%d of %d jobs left their row", counted, jobs)
	}
}
