package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

func TestInspect(t *testing.T) {
	for product, url := range map[string]string{
		"SQLite 3.":    "sqlite:" + filepath.Join(t.TempDir(), "store.db"),
		"PostgreSQL 1": privateserver.Database(t),
	} {
		t.Run(product, func(t *testing.T) {
			db, err := store.Open(t.Context(), secret.Literal(url), clock.System)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			inspect := func() store.Facts {
				t.Helper()
				facts, err := db.Inspect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return facts
			}
			first := inspect()
			if !strings.HasPrefix(first.Product, product) || first.Bytes < 0 || first.Ahead.Abs() > time.Second || len(first.Schema) > 0 {
				t.Errorf("an empty store: %+v", first)
			}
			if lite := strings.HasPrefix(product, "SQLite"); lite != (first.Journal == "wal") {
				t.Errorf("journal %q", first.Journal)
			}
			for room, files := range map[string]fstest.MapFS{
				"one": {"1_a.sql": {Data: []byte("create table one_a(n bigint)")}, "2_b.sql": {Data: []byte("create table one_b(n bigint)")}},
				"two": {"1_a.sql": {Data: []byte("create table two_a(n bigint)")}},
			} {
				if err := db.Migrate(t.Context(), room, files); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(map[string]int{"one": 2, "two": 1}, inspect().Schema); diff != "" {
				t.Errorf("schema (-want +got):\n%s", diff)
			}
		})
	}
}
