// Package storetest helps the rooms test their tables: a fresh store per test,
// and a check that a room's SQL is PostgreSQL's as well as SQLite's.
package storetest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// kind names the store that Open makes: "sqlite", the default, or "postgres".
const kind = "SHIPSQL_TEST_STORE"

// URL is the place of an empty store: a SQLite file, or, with
// SHIPSQL_TEST_STORE=postgres, a fresh database of the shared PostgreSQL. It is
// gone when the test ends.
func URL(tb testing.TB) secret.Source {
	tb.Helper()
	switch os.Getenv(kind) {
	case "", "sqlite":
		return secret.Literal("sqlite:" + filepath.Join(tb.TempDir(), "store.db"))
	case "postgres":
		return secret.Literal(privateserver.Database(tb))
	default:
		tb.Fatalf("%s=%s is neither sqlite nor postgres", kind, os.Getenv(kind))
		return secret.Source{}
	}
}

// Open makes an empty store at [URL] that is closed when the test ends.
func Open(tb testing.TB, c clock.Clock) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), URL(tb), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close the store: %v", err)
		}
	})
	return db
}

// PreparesOnPostgres fails the test unless a real PostgreSQL accepts the room's
// migrations, in their order, and then can prepare every statement.
func PreparesOnPostgres(t testing.TB, migrations fs.FS, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), privateserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	files, err := store.MigrationFiles(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := conn.Exec(t.Context(), file.SQL); err != nil {
			t.Errorf("%s: %v", file.Name, err)
		}
	}
	for i, statement := range statements {
		if _, err := conn.Prepare(t.Context(), fmt.Sprintf("s%d", i), statement); err != nil {
			t.Errorf("PostgreSQL refuses this statement: %v\n%s", err, statement)
		}
	}
}
