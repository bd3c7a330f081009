package store_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

type title string

// A pull request's title, a comment and a database's error hold what they like.
func TestAnyTextAndBytesCanBeStored(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		db := storetest.Open(t, clock.System)
		if err := db.Migrate(t.Context(), "room", files(map[string]string{"1_t.sql": "CREATE TABLE t(id text, kind text, content bytea)"})); err != nil {
			t.Fatal(err)
		}
		content := []byte("a\x00\xffb")
		args := []any{"nul\x00latin\xe9", title("\x00 cut \xc3"), content}
		if _, err := db.Exec(t.Context(), "INSERT INTO t VALUES ($1, $2, $3)", args...); err != nil {
			t.Fatal(err)
		}
		if args[0] != "nul\x00latin\xe9" {
			t.Error("the caller's arguments were changed")
		}
		check := func(q store.Queryer) {
			t.Helper()
			var id, kind string
			var got []byte
			row := q.QueryRow(t.Context(), "SELECT id, kind, content FROM t WHERE id = $1 AND kind = $2", args[:2]...)
			if err := row.Scan(&id, &kind, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"nul\uFFFDlatin\uFFFD", "\uFFFD cut \uFFFD"}, []string{id, kind}); diff != "" {
				t.Error(diff)
			}
			if !bytes.Equal(got, content) {
				t.Errorf("bytes were changed: %q", got)
			}
		}
		check(db)
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { check(tx); return nil }); err != nil {
			t.Error(err)
		}
	})
}
