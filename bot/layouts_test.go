package bot_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/bot/bottest"
)

const (
	gooseUsers = "migrations/00001_users.sql"
	gooseIndex = "migrations/00002_index.sql"
	gooseUp    = "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
	gooseDown  = "\n-- +goose Down\nDROP TABLE users;\n"
)

// A repository in goose's layout: what undoes a change is neither reviewed nor
// run, lines are the file's, and an edit of the down part is none of the change.
func TestARepositoryInGoosesLayout(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	users := w.Open("users", map[string]string{gooseUsers: gooseUp + gooseDown})
	equal(t, "check", w.Check(users), "success: ready to merge: 1 migration, 1 statement")
	w.Merge(users)
	w.Await(users, "test done, prod waiting")
	w.Say(users, bottest.Approver, "/approve prod")
	w.Await(users, "test done, prod done")
	for name := range w.Databases {
		if got := w.Applied(name); !strings.Contains(got, "00001") {
			t.Errorf("%s has %q", name, got)
		}
	}
	enlarge(t, w.Databases["orders-eu"])

	index := w.Open("index", map[string]string{gooseIndex: "-- +goose Up\n\nCREATE INDEX users_email ON users (email);\n\n-- +goose Down\nDROP INDEX users_email;\n"})
	check, _ := w.PR(index).Check("sql-review")
	if len(check.Annotations) != 1 || check.Annotations[0].StartLine != 3 {
		t.Errorf("annotations: %+v", check.Annotations)
	}
	w.Push(index, map[string]string{gooseIndex: "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY users_email ON users (email);\n"})
	equal(t, "check of the fix", w.Check(index), "success: ready to merge: 1 migration, 1 statement")
	w.Merge(index)
	w.Await(index, "test done, prod waiting")

	down := w.Open("down", map[string]string{gooseUsers: gooseUp + "\n-- +goose Down\nDROP TABLE IF EXISTS users;\n"})
	if check := w.Check(down); !strings.HasPrefix(check, "success: ") {
		t.Errorf("check of another down part: %s\n%s", check, w.Sticky(down))
	}
	up := w.Open("up", map[string]string{gooseUsers: "-- +goose Up\nCREATE TABLE users (id text);\n"})
	if check := w.Check(up); !strings.HasPrefix(check, "failure: ") {
		t.Errorf("check of another up part: %s", check)
	}
	contains(t, "sticky", w.Sticky(up), "is edited, but it is applied on")
	broken := w.Open("broken", map[string]string{"migrations/00003_x.sql": "CREATE TABLE x ();\n"})
	contains(t, "sticky", w.Sticky(broken), "has no line -- +goose Up")
}

// A repeatable's edit is a normal change, a changeset's in the middle too.
func TestARepositoryInFlywaysLayout(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	const view = "migrations/R__names.sql"
	first := w.Open("users", map[string]string{
		"migrations/V1__users.sql": usersSQL, view: "CREATE OR REPLACE VIEW ids AS SELECT id FROM users;\n",
	})
	w.Merge(first)
	w.Await(first, "test done, prod waiting")
	w.Say(first, bottest.Approver, "/approve prod")
	w.Await(first, "test done, prod done")

	again := w.Open("view", map[string]string{view: "CREATE OR REPLACE VIEW ids AS SELECT id, email FROM users;\n"})
	equal(t, "check", w.Check(again), "success: ready to merge: 1 migration, 1 statement")
	w.Merge(again)
	w.Await(again, "test done, prod waiting")
	w.Say(again, bottest.Approver, "/approve prod")
	w.Await(again, "test done, prod done")
	placeholder := w.Open("placeholder", map[string]string{"migrations/V2__x.sql": "CREATE TABLE ${x} ();\n"})
	contains(t, "sticky", w.Sticky(placeholder), "has no value here")
}
