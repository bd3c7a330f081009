package deploy_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// The store is restored from a backup that was made before a rollout, which the
// databases' ledgers remember: it is walked again, every migration is found in
// its ledger, nothing runs twice, and what the store says is right again.
func TestARestoredStoreBelievesTheLedgers(t *testing.T) {
	urls := map[string]string{}
	for _, d := range testConfig().Databases {
		urls[d.Name] = privateserver.Database(t)
	}
	before, after := filepath.Join(t.TempDir(), "before.db"), filepath.Join(t.TempDir(), "after.db")
	rollOut := func(h *harness) {
		h.folders[h.project().ID()] = map[string]string{"migrations/1_a.sql": counterSQL}
		h.commits[h.project().ID()] = 1
		second := h.merge(h.project(), files{"2_b.sql": new("UPDATE counter SET n = n + 10;")})
		third := h.merge(h.project(), files{"3_c.sql": new("UPDATE counter SET n = n + 100;")})
		for _, r := range []deploy.Release{second, third} {
			h.review(r.ID, 0)
			h.approve(r, "ann")
		}
		for _, r := range []deploy.Release{second, third} {
			h.expect(r.ID, deploy.Done, deploy.Done)
		}
		where, err := h.service.Where(h.ctx, h.project().ID(), []string{"migrations/2_b.sql", "migrations/3_c.sql"})
		h.must(err)
		for path, placed := range where {
			for _, p := range placed {
				if p.State != deploy.Done || p.Checksum == "" {
					t.Errorf("%s on %s: %+v", path, p.Database, p)
				}
			}
		}
		h.must(h.service.VerifyAudit(h.ctx))
		for name, url := range urls {
			if got := counters(t, url); got != 111 {
				t.Errorf("%s: the counter stands at %d", name, got)
			}
		}
	}

	h := openedAt(t, before, urls)
	first := h.merge(h.project(), files{"1_a.sql": new(counterSQL)})
	h.review(first.ID, 0)
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	backUp(t, before, after)
	rollOut(h)
	h.stop()
	ledgers := ledgersOf(t, urls)

	restored := openedAt(t, after, urls)
	rollOut(restored)
	if diff := cmp.Diff(ledgers, ledgersOf(t, urls)); diff != "" {
		t.Errorf("the ledgers changed (-before +after):\n%s", diff)
	}
}

const counterSQL = "CREATE TABLE counter (n int); INSERT INTO counter VALUES (1);"

// openedAt is a service with the real executor on a SQLite store at path.
func openedAt(t *testing.T, path string, urls map[string]string) *harness {
	t.Helper()
	q, s, err := realService(t.Context(), "sqlite:"+path, urls)
	must(t, err)
	h := &harness{t: t, ctx: t.Context(), config: testConfig(), clock: clock.NewFake(noon), queue: q, service: s,
		folders: map[string]map[string]string{}, commits: map[string]int{}}
	h.stop = h.run(q)
	project := h.project().ID()
	h.folders[project] = map[string]string{}
	if _, known, err := s.Cursor(t.Context(), project); err != nil || !known {
		must(t, s.StartAt(t.Context(), project, "c0"))
	}
	return h
}

// backUp copies a SQLite store as an operator would.
func backUp(t *testing.T, from, to string) {
	t.Helper()
	db, err := store.Open(t.Context(), secret.Literal("sqlite:"+from), clock.System)
	must(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.Exec(t.Context(), "VACUUM INTO $1", to)
	must(t, err)
}

// ledgersOf are the rows of each database's ledger, with the task that wrote them.
func ledgersOf(t *testing.T, urls map[string]string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for name, url := range urls {
		conn, err := pgx.Connect(t.Context(), url)
		must(t, err)
		rows, err := conn.Query(t.Context(), "SELECT version || ' ' || state || ' ' || checksum || ' ' || release || ' ' || finished_at FROM shipsql.migrations ORDER BY version")
		must(t, err)
		all[name], err = pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		must(t, conn.Close(context.WithoutCancel(t.Context())))
	}
	return all
}
