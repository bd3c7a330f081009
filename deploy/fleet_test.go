package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
)

// fleetWorkers is how many databases are worked on at once, as on a node that
// keeps the queue's default.
const fleetWorkers = 8

// fleet is one release's way to many databases.
type fleet struct {
	tb      testing.TB
	engine  lightEngine
	db      *store.DB
	queue   *queue.Queue
	service *deploy.Service
	project deploy.Project
}

func newFleet(tb testing.TB, url secret.Source, databases int) *fleet {
	tb.Helper()
	ctx := tb.Context()
	f := &fleet{tb: tb, engine: newLightEngine(tb, tenants(databases))}
	config := deploy.Config{Environments: []deploy.Environment{{Name: "prod", Rollout: deploy.RolloutAuto}},
		Projects: []deploy.Project{{Repository: repository, Branch: "main", Path: "migrations", Databases: map[string]string{"app": "orders"}}}}
	for _, name := range tenants(databases) {
		config.Databases = append(config.Databases, deploy.Database{Name: name, Engine: "light", URL: secret.Literal(name),
			Environment: "prod", Labels: map[string]string{"app": "orders"}})
	}
	f.project = config.Projects[0]
	var err error
	f.db, err = store.Open(ctx, url, clock.System)
	fatal(tb, err)
	tb.Cleanup(func() { _ = f.db.Close() })
	fatal(tb, queue.Migrate(ctx, f.db))
	f.queue = queue.New(f.db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{Workers: fleetWorkers})
	f.service, err = deploy.New(ctx, f.db, f.queue, config, deploy.Deps{
		Engines: map[string]executor.Engine{"light": f.engine}, Authority: &authority{}, ToolVersion: "test",
	})
	fatal(tb, err)
	fatal(tb, f.service.StartAt(ctx, f.project.ID(), "c0"))
	return f
}

func fatal(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func tenants(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("tenant_%05d", i)
	}
	return names
}

// durable is a database of a server of its own that flushes what it commits, as
// those in production do.
func durable(tb testing.TB) (url string) {
	return privateserver.OwnPostgres(tb, privateserver.Options{Durable: true}).URL("postgres")
}

// places are the stores that a fleet is measured on, each as durable as its
// databases.
var places = []struct {
	name string
	url  func(testing.TB) secret.Source
}{
	{"sqlite", func(tb testing.TB) secret.Source {
		return secret.Literal("sqlite:" + filepath.Join(tb.TempDir(), "store.db"))
	}},
	{"postgres", func(tb testing.TB) secret.Source { return secret.Literal(durable(tb)) }},
}

const fleetSQL = "CREATE TABLE orders (id bigint PRIMARY KEY, placed timestamptz, total numeric);"

// raw is how long the same workers take for n databases without any bookkeeping.
func (f *fleet) raw(prefix string, n int) time.Duration {
	f.tb.Helper()
	folder, err := layout.Load([]executor.File{{Path: "migrations/1_orders.sql", Content: []byte(fleetSQL)}}, layout.Options{Name: layout.Native})
	fatal(f.tb, err)
	light := make([]string, n)
	for i := range light {
		light[i] = fmt.Sprintf("%s_%05d", prefix, i)
	}
	f.engine.make(f.tb, light)
	names := make(chan string)
	var workers sync.WaitGroup
	begin := time.Now()
	for range fleetWorkers {
		workers.Go(func() {
			for name := range names {
				if _, err := f.engine.Open(secret.Literal(name)).Apply(f.tb.Context(), executor.Run{Migrations: folder.Migrations, Folder: folder.Migrations}); err != nil {
					f.tb.Errorf("raw: %v", err)
				}
			}
		})
	}
	for _, name := range light {
		names <- name
	}
	close(names)
	workers.Wait()
	return time.Since(begin)
}

// rollout merges a release and is done when it is done everywhere; it returns how
// long the tasks took, from the review to the last one's end.
func (f *fleet) rollout() (deploy.Release, time.Duration) {
	f.tb.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(f.tb.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- f.queue.Run(ctx) }()
	defer func() {
		stop()
		fatal(f.tb, <-stopped)
	}()
	rel := deploy.NewRelease{MergeCommit: "c1", PullRequest: 1, Author: "dev", Added: []string{"migrations/1_orders.sql"},
		Folder: []deploy.File{{Path: "migrations/1_orders.sql", Content: []byte(fleetSQL)}}}
	made, err := f.service.Advance(ctx, f.project.ID(), "c0", "c1", []deploy.NewRelease{rel})
	fatal(f.tb, err)
	begin := time.Now()
	fatal(f.tb, f.service.RecordReview(ctx, made[0].ID, deploy.Verdict{Hash: made[0].Hash, Clean: true}))
	tick := time.NewTicker(500 * time.Millisecond) // as a person who looks on
	defer tick.Stop()
	for deadline := begin.Add(20 * time.Minute); ; <-tick.C {
		listed, err := f.service.List(ctx, deploy.Listing{Limit: 1})
		fatal(f.tb, err)
		if listed[0].State == deploy.Done {
			return made[0], time.Since(begin)
		}
		if listed[0].State == deploy.Failed || time.Now().After(deadline) {
			f.tb.Fatalf("the release is %+v", listed[0].Stages)
		}
	}
}

// TestOneReleaseToManyDatabases measures what the bookkeeping of a task costs:
// the speed of the same workers with and without it, and the memory it takes.
func TestOneReleaseToManyDatabases(t *testing.T) {
	databases := 60
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		databases = 10_000
	}
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			f := newFleet(t, place.url(t), databases)
			// Half of the raw work before and half behind: the server's catalog grows.
			raw := f.raw("before", databases/2)
			heap := sampleHeap()
			release, took := f.rollout()
			most := heap()
			raw += f.raw("behind", databases-databases/2)
			t.Logf("%s: %d databases, raw %.0f/s, ours %.0f/s, ratio %.2f; heap at most %d MB, RSS %s", place.name, databases,
				perSecond(databases, raw), perSecond(databases, took), raw.Seconds()/took.Seconds(), most>>20, rss())
			f.check(release, databases)
			if limit := uint64(64<<20 + databases*8<<10); most > limit {
				t.Errorf("%d MB of heap, the limit is %d", most>>20, limit>>20)
			}
		})
	}
}

// BenchmarkRelease10k reports the speed of one release to b.N databases as a part
// of the same workers' speed without bookkeeping: run it with -benchtime 10000x.
func BenchmarkRelease10k(b *testing.B) {
	for _, place := range places {
		b.Run(place.name, func(b *testing.B) {
			f := newFleet(b, place.url(b), b.N)
			raw := f.raw("before", b.N/2)
			heap := sampleHeap()
			b.ResetTimer()
			_, took := f.rollout()
			b.StopTimer()
			most := heap()
			raw += f.raw("behind", b.N-b.N/2)
			b.ReportMetric(raw.Seconds()/took.Seconds(), "of-raw")
			b.ReportMetric(perSecond(b.N, took), "tasks/s")
			b.ReportMetric(float64(most)/(1<<20), "MiB-heap")
		})
	}
}

// check: every database has the table once, every task is done at the first
// attempt, and the audit holds.
func (f *fleet) check(r deploy.Release, databases int) {
	f.tb.Helper()
	rollout, err := f.service.Rollout(f.tb.Context(), r.ID)
	fatal(f.tb, err)
	stage := rollout.Stages[0]
	if stage.Passed() != databases || len(stage.Tasks) > deploy.MaxTasks {
		f.tb.Errorf("%d of %d databases, %d shown", stage.Passed(), databases, len(stage.Tasks))
	}
	fatal(f.tb, f.service.VerifyAudit(f.tb.Context()))
	var attempts int
	fatal(f.tb, f.db.QueryRow(f.tb.Context(), `SELECT max(attempts) FROM deploy_tasks`).Scan(&attempts))
	if attempts != 1 {
		f.tb.Errorf("%d attempts", attempts)
	}
	if tables := f.engine.tables(f.tb, "tenant_"); tables != databases {
		f.tb.Errorf("%d tables", tables)
	}
}

func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

// sampleHeap watches the heap; the returned function says how much was in use at
// most.
func sampleHeap() (most func() uint64) {
	runtime.GC()
	stop, result := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(stop); return <-result }
}

// rss is this process' largest memory so far, as the kernel tells it.
func rss() string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
