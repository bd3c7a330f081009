package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// A worker process of TestKilledWorkers finds the store and the databases here.
const (
	workerStore     = "SHIPSQL_DEPLOY_WORKER_STORE"
	workerDatabases = "SHIPSQL_DEPLOY_WORKER_DATABASES" // JSON: name → URL
)

// worker runs the queue of a store until it is killed.
func worker() {
	var urls map[string]string
	err := json.Unmarshal([]byte(os.Getenv(workerDatabases)), &urls)
	var q *queue.Queue
	if err == nil {
		q, _, err = realService(context.Background(), os.Getenv(workerStore), urls)
	}
	if err == nil {
		err = q.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// realService is a service with the real executor on real databases.
func realService(ctx context.Context, url string, urls map[string]string) (*queue.Queue, *deploy.Service, error) {
	config := testConfig()
	for i := range config.Databases {
		config.Databases[i].Engine = postgres.Name
		config.Databases[i].URL = secret.Literal(urls[config.Databases[i].Name])
	}
	db, err := store.Open(ctx, secret.Literal(url), clock.System)
	if err != nil {
		return nil, nil, err
	}
	if err := queue.Migrate(ctx, db); err != nil {
		return nil, nil, err
	}
	q := queue.New(db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{
		Lease: 300 * time.Millisecond, Renew: 50 * time.Millisecond, Reconcile: 20 * time.Millisecond,
		BackoffMin: 10 * time.Millisecond, MaxAttempts: 10000,
	})
	s, err := deploy.New(ctx, db, q, config, deploy.Deps{
		Engines:   map[string]executor.Engine{postgres.Name: postgres.New(syntax.NewParser(syntax.Options{}))},
		Authority: &authority{approvers: map[string][]string{"prod": {"ann"}}}, ToolVersion: "test",
	})
	return q, s, err
}

// Worker processes are killed again and again in the middle of rollouts on real
// databases, one on a SQLite store and two on a PostgreSQL store: every migration,
// none of which may run twice, takes effect once.
func TestKilledWorkers(t *testing.T) {
	for place, workers := range map[string]int{"sqlite": 1, "postgres": 2} {
		t.Run(place, func(t *testing.T) {
			t.Setenv("SHIPSQL_TEST_STORE", place)
			killWorkers(t, workers)
		})
	}
}

func killWorkers(t *testing.T, workers int) {
	kills, releases := 10, 5
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		kills, releases = 200, 60
	}
	urls := map[string]string{}
	for _, d := range testConfig().Databases {
		urls[d.Name] = privateserver.Database(t)
	}
	url := plain(t, storetest.URL(t))
	q, s, err := realService(t.Context(), url, urls)
	must(t, err)
	project := testConfig().Projects[0].ID()
	must(t, s.StartAt(t.Context(), project, "c0"))
	last := mergeCounters(t, s, releases)

	var stops []func()
	for range workers {
		stops = append(stops, startWorker(t, url, urls))
	}
	started := 0
	for kill := range kills {
		started = awaitStart(t, s, releases, started)
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // when it dies is what varies
		stops[kill%workers]()
		stops[kill%workers] = startWorker(t, url, urls)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		must(t, q.Idle(ctx))
		rollout, err := s.Rollout(ctx, last.ID)
		must(t, err)
		if rollout.State == deploy.Done {
			break
		}
	}
	for _, stop := range stops {
		stop()
	}
	for name, url := range urls {
		if got, want := counters(t, url), releases*filesPerRelease; got != want {
			t.Errorf("%s: the counter stands at %d, want %d", name, got, want)
		}
	}
	must(t, s.VerifyAudit(t.Context()))
	attempts, _ := starts(t, s, releases)
	interrupted := attempts - releases*len(urls)
	if interrupted == 0 {
		t.Error("no kill met a running task")
	}
	t.Logf("%d kills met %d running tasks", kills, interrupted)
}

// awaitStart waits until a worker, however slow its machine, starts one more
// task than so many, or none is left to run; it returns how many were started.
func awaitStart(t *testing.T, s *deploy.Service, releases, before int) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if started, done := starts(t, s, releases); done || started > before {
			return started
		}
	}
	t.Fatal("no worker starts a task")
	return 0
}

// starts counts the attempts of all tasks, and says whether all releases are done.
func starts(t *testing.T, s *deploy.Service, releases int) (started int, done bool) {
	t.Helper()
	all, err := s.Releases(t.Context(), testConfig().Projects[0].ID(), releases)
	must(t, err)
	done = true
	for _, r := range all {
		rollout, err := s.Rollout(t.Context(), r.ID)
		must(t, err)
		done = done && rollout.State == deploy.Done
		for _, stage := range rollout.Stages {
			for _, task := range stage.Tasks {
				started += task.Attempts
			}
		}
	}
	return started, done
}

const filesPerRelease = 3

// mergeCounters merges releases whose files count up a row, so that one that ran
// twice shows; they are reviewed and approved.
func mergeCounters(t *testing.T, s *deploy.Service, releases int) deploy.Release {
	t.Helper()
	project := testConfig().Projects[0].ID()
	var folder []deploy.File
	var last deploy.Release
	for r := range releases {
		rel := deploy.NewRelease{MergeCommit: fmt.Sprintf("c%d", r+1), PullRequest: r + 1, Author: "dev"}
		for f := range filesPerRelease {
			n := r*filesPerRelease + f + 1
			sql := "UPDATE counter SET n = n + 1; SELECT pg_sleep(0.05);"
			if n == 1 {
				sql = "CREATE TABLE counter (n int); INSERT INTO counter VALUES (1);"
			}
			file := deploy.File{Path: fmt.Sprintf("migrations/%d_count.sql", n), Content: []byte(sql)}
			folder, rel.Added = append(folder, file), append(rel.Added, file.Path)
		}
		rel.Folder = folder
		made, err := s.Advance(t.Context(), project, fmt.Sprintf("c%d", r), rel.MergeCommit, []deploy.NewRelease{rel})
		must(t, err)
		last = made[0]
		must(t, s.RecordReview(t.Context(), last.ID, deploy.Verdict{Hash: last.Hash, Clean: true}))
	}
	_, err := s.Approve(t.Context(), deploy.Command{Actor: forgeUser("ann"), Release: last.ID, Environment: "prod", WithEarlier: true})
	must(t, err)
	return last
}

// startWorker starts a worker process; the returned function kills it.
func startWorker(t *testing.T, url string, urls map[string]string) (kill func()) {
	t.Helper()
	databases, err := json.Marshal(urls)
	must(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), workerStore+"="+url, workerDatabases+"="+string(databases))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	return func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // says that it was killed
		}
	}
}

func counters(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	must(t, conn.QueryRow(t.Context(), "SELECT n FROM counter").Scan(&n))
	return n
}

// plain is what a source holds, for another process.
func plain(t *testing.T, s secret.Source) string {
	t.Helper()
	text, err := s.Read()
	must(t, err)
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a person sees of a real failure, and that the ledger knows of the skip.
func TestOnARealDatabase(t *testing.T) {
	urls := map[string]string{}
	for _, d := range testConfig().Databases {
		urls[d.Name] = privateserver.Database(t)
	}
	h := newHarness(t)
	h.config = testConfig()
	q, s, err := realService(t.Context(), plain(t, storetest.URL(t)), urls)
	must(t, err)
	h.queue, h.service = q, s
	h.run(q)
	must(t, s.StartAt(t.Context(), h.project().ID(), "c0"))
	conn, err := pgx.Connect(t.Context(), urls["orders-us"])
	must(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()

	first := h.merge(h.project(), files{"1_a.sql": new("CREATE TABLE a (id int);")})
	h.review(first.ID, 0)
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	_, err = conn.Exec(t.Context(), "CREATE TABLE b (id int)") // somebody was faster
	must(t, err)

	second := h.merge(h.project(), files{"2_b.sql": new("SELECT 1;\nCREATE TABLE b (id int);")})
	third := h.merge(h.project(), files{"3_c.sql": new("CREATE TABLE c (id int);")})
	h.review(second.ID, 0)
	h.review(third.ID, 0)
	h.approve(second, "ann")
	h.approve(third, "ann")
	h.expect(second.ID, deploy.Done, deploy.Failed)
	f := h.stage(second.ID, "prod").Tasks[1].Failure
	got := []any{f.Version, f.Line, f.Statement, f.SQLState, f.Message}
	if diff := cmp.Diff([]any{"2", 2, 2, "42P07", `relation "b" already exists`}, got); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	c := in(on(second, "ann"), "prod")
	c.Version, c.Reason = "2", "it is there"
	_, err = s.Skip(t.Context(), c)
	must(t, err)
	h.expect(third.ID, deploy.Done, deploy.Done)
	var state string
	must(t, conn.QueryRow(t.Context(), "SELECT state FROM shipsql.migrations WHERE version = '2'").Scan(&state))
	if state != "skipped" {
		t.Errorf("the ledger says %s", state)
	}
}
