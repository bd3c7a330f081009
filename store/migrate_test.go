package store_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

func files(content map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, sql := range content {
		fsys[name] = &fstest.MapFile{Data: []byte(sql)}
	}
	return fsys
}

func TestMigrateRunsEachFileOnceInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := storetest.Open(t, clock.System)
		first := map[string]string{
			"migrations/1_t.sql":      "CREATE TABLE t(n bigint); INSERT INTO t VALUES (1);",
			"migrations/2_double.sql": "UPDATE t SET n = n * 2",
			"migrations/README.md":    "not SQL",
		}
		for range 2 {
			if err := db.Migrate(t.Context(), "room", files(first)); err != nil {
				t.Fatal(err)
			}
		}
		first["migrations/10_more.sql"] = "UPDATE t SET n = n + 100"
		first["migrations/9_nine.sql"] = "UPDATE t SET n = n * 3" // 9 runs before 10
		if err := db.Migrate(t.Context(), "room", files(first)); err != nil {
			t.Fatal(err)
		}
		// Another room has its own numbers.
		if err := db.Migrate(t.Context(), "other", files(map[string]string{"1_o.sql": "INSERT INTO t VALUES (7)"})); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{7, 106}, numbers(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAFailingFileLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := storetest.Open(t, clock.System)
		content := map[string]string{"1_t.sql": "CREATE TABLE t(n bigint)", "2_bad.sql": "INSERT INTO t VALUES (1); INSERT INTO nosuch VALUES (1)"}
		if err := db.Migrate(t.Context(), "room", files(content)); err == nil {
			t.Fatal("a failing file is no error")
		}
		content["2_bad.sql"] = "INSERT INTO t VALUES (2)"
		if err := db.Migrate(t.Context(), "room", files(content)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{2}, numbers(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestANewerStoreIsRefusedOnceContracted(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := storetest.Open(t, clock.System)
		known := map[string]string{"1_a.sql": "CREATE TABLE a(n bigint)"}
		newer := map[string]string{"1_a.sql": known["1_a.sql"], "2_b.sql": "ALTER TABLE a ADD COLUMN m bigint NOT NULL DEFAULT 0"}
		migrate := func(content map[string]string) error { return db.Migrate(t.Context(), "room", files(content)) }
		if err := errors.Join(migrate(newer), migrate(known)); err != nil {
			t.Errorf("an older program on an expanded store: %v", err)
		}
		newest := map[string]string{"1_a.sql": known["1_a.sql"], "2_b.sql": newer["2_b.sql"], "3_n.contract.sql": "ALTER TABLE a DROP COLUMN n"}
		if err := db.Migrate(t.Context(), "fresh", files(newest)); err == nil {
			t.Fatal("the table is made twice")
		}
		db = storetest.Open(t, clock.System)
		if err := migrate(newest); err != nil { // nobody can be older on a fresh store
			t.Fatal(err)
		}
		mustExec(t, db, "INSERT INTO a (m) VALUES (1)")
		for _, content := range []map[string]string{known, newer} {
			if err := migrate(content); fault.CodeOf(err) != fault.Unsupported {
				t.Errorf("an older program on a contracted store: %v", err)
			}
		}
	})
}

func TestWrongFileNames(t *testing.T) {
	db := storetest.Open(t, clock.System)
	for _, names := range [][]string{{"a.sql"}, {"0_zero.sql"}, {"-1_x.sql"}, {"1.sql"}, {"1_.sql"}, {"1_a.sql", "01_b.sql"}} {
		content := map[string]string{}
		for _, name := range names {
			content[name] = "SELECT 1"
		}
		if err := db.Migrate(t.Context(), "room", files(content)); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%v: %v, want invalid", names, err)
		}
	}
}

func TestPreparesOnPostgresFindsWhatOnlySQLiteUnderstands(t *testing.T) {
	schema := files(map[string]string{"1_t.sql": "CREATE TABLE t(id text PRIMARY KEY, n bigint)"})
	storetest.PreparesOnPostgres(t, schema,
		"SELECT n FROM t WHERE id IN ($1, $2)",
		"INSERT INTO t VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id")
	found := &recorder{TB: t}
	storetest.PreparesOnPostgres(found, schema, "SELECT n FROM t WHERE id = ?", "REPLACE INTO t VALUES ($1, $2)", "SELECT 1")
	if found.errors != 2 {
		t.Errorf("%d statements refused, want 2", found.errors)
	}
}

// recorder counts errors in place of failing the test.
type recorder struct {
	testing.TB

	errors int
}

func (r *recorder) Errorf(string, ...any) { r.errors++ }

var _ store.Queryer = (*store.DB)(nil)
var _ store.Queryer = (*store.Tx)(nil)
