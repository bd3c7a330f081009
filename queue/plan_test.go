package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// A plan that sorts reads all that is ready for each claim: with 10,000 databases
// to migrate that is the whole rollout's time.
func TestLookingForAJobSortsNothing(t *testing.T) {
	db := openStore(t, sqliteURL(t))
	for query, want := range queue.Ordered {
		rows, err := db.Query(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, 2, 3, 4, 5, 6, 7)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := store.Collect(rows, func(scan store.Scan) (step string, err error) {
			var id, parent, unused int
			return step, scan(&id, &parent, &unused, &step)
		})
		if err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(steps, "\n"); strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, want) {
			t.Errorf("%s\n%s", query, plan)
		}
	}
}

// crowd fills the table as a large rollout does: $1 jobs of each sort, which stand
// before the one that may run: done, for later, of another pool, of another kind.
const crowd = `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
INSERT INTO queue_jobs (id, kind, key, pool, coalesced, payload, state, run_after, attempts, fence, lease_until, last_error, created_at, updated_at)
SELECT sort || cast(1000000 + i AS text), kind, sort || cast(i AS text), pool, false, '{}', state, run_after, 0, 0, 0, '', 1, 1
FROM n CROSS JOIN (
	SELECT 'a' AS sort, 'task' AS kind, '' AS pool, 'done' AS state, 1 AS run_after
	UNION ALL SELECT 'b', 'task', '', 'ready', 4000000000000000
	UNION ALL SELECT 'c', 'task', 'far', 'ready', 1
	UNION ALL SELECT 'd', 'other', '', 'ready', 1
	UNION ALL SELECT 'e', 'task', '', 'ready', 2) AS sorts`

// What a statement touches must not grow with what it does not return. PostgreSQL
// counts the pages: without statistics, with those of an empty table, with fresh ones.
func TestTheCostOfAClaimDoesNotGrowWithTheQueue(t *testing.T) {
	for name, statistics := range map[string]struct{ before, after string }{
		"none": {"SELECT 1", "SELECT 1"}, "stale": {"VACUUM ANALYZE queue_jobs", "SELECT 1"}, "fresh": {"SELECT 1", "VACUUM ANALYZE queue_jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			db := openStore(t, privateserver.Database(t))
			mustExec(t, db, statistics.before)
			mustExec(t, db, crowd, 20_000)
			mustExec(t, db, statistics.after)
			for name, statement := range queue.Hot {
				pages, plan := pagesOf(t, db, statement.SQL, statement.Args)
				t.Logf("%s: %d pages", name, pages)
				if pages > 150 || strings.Contains(plan, "JIT") {
					t.Errorf("%s reads %d pages:\n%s", name, pages, plan)
				}
			}
		})
	}
}

func mustExec(tb testing.TB, db *store.DB, statement string, args ...any) {
	tb.Helper()
	if _, err := db.Exec(tb.Context(), statement, args...); err != nil {
		tb.Fatal(err)
	}
}

// A connection that learned its statements when the table was empty goes on with
// them when 100,000 jobs come at once, long before PostgreSQL looks at the table.
func TestABurstAfterALullIsFoundAsFast(t *testing.T) {
	url := privateserver.Database(t)
	lull := openStore(t, url)
	q := queue.New(lull, brokenBell{}, quiet, queue.Options{})
	q.Handle("task", func(context.Context, queue.Job) error { return nil })
	const looks = 30
	for range looks {
		if _, found := q.Take(t.Context()); found {
			t.Fatal("a job in an empty table")
		}
	}
	db := openStore(t, url)
	mustExec(t, db, crowd, 20_000)
	before := rowsRead(t, db)
	for range looks {
		job, found := q.Take(t.Context())
		if !found {
			t.Fatal("no job is found")
		}
		q.Settle(t.Context(), job, nil)
	}
	if err := lull.Close(); err != nil { // PostgreSQL counts for others when a session ends
		t.Fatal(err)
	}
	eventually(t, "counted", func() bool { return rowsRead(t, db) > before })
	if read := rowsRead(t, db) - before; read > looks*100 {
		t.Errorf("%d claims read %d rows", looks, read)
	}
}

// rowsRead counts what all sessions that ended have read of the jobs.
func rowsRead(t *testing.T, db *store.DB) (rows int) {
	t.Helper()
	err := db.QueryRow(t.Context(), `SELECT (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'queue_jobs')
		+ (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'queue_jobs')`).Scan(&rows)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// pagesOf runs a statement, and undoes it.
func pagesOf(t *testing.T, db *store.DB, statement string, args []any) (pages int, plan string) {
	t.Helper()
	undo := fmt.Errorf("undo")
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		if err := tx.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+statement, args...).Scan(&plan); err != nil {
			return err
		}
		return undo
	})
	if err != undo { //nolint:errorlint // it is the very one
		t.Fatalf("%v\n%s", err, statement)
	}
	var parsed []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal([]byte(plan), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed[0].Plan.Hit + parsed[0].Plan.Read, plan
}

// BenchmarkClaim measures one look and claim among 10,000 and 100,000 jobs of as
// many keys, on both stores, and reports it in parts of that among 10.
func BenchmarkClaim(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": func(tb testing.TB) string { return privateserver.Database(tb) }} {
		base := 0.0
		for _, jobs := range []int{2, 2_000, 20_000} {
			b.Run(fmt.Sprintf("%s/%d", name, jobs*5), func(b *testing.B) {
				each := claims(b, openStore(b, url(b)), jobs)
				if jobs == 2 {
					base = each
				}
				b.ReportMetric(each/base, "x-of-10")
			})
		}
	}
}

// claims claims and gives back the first job, as often as the benchmark asks.
func claims(b *testing.B, db *store.DB, jobs int) (each float64) {
	b.Helper()
	mustExec(b, db, crowd, jobs)
	q := queue.New(db, brokenBell{}, quiet, queue.Options{})
	q.Handle("task", func(context.Context, queue.Job) error { return nil })
	b.ResetTimer()
	for range b.N {
		job, ok := q.Take(b.Context())
		if !ok {
			b.Fatal("nothing to take")
		}
		b.StopTimer()
		q.Settle(b.Context(), job, queue.Retry(0, nil))
		b.StartTimer()
	}
	return float64(b.Elapsed()) / float64(b.N)
}

func sqliteURL(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/store.db" }

// openStore opens a store with the queue's tables.
func openStore(tb testing.TB, url string) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), secret.Literal(url), clock.System)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	if err := queue.Migrate(tb.Context(), db); err != nil {
		tb.Fatal(err)
	}
	return db
}
