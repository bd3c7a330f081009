package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/bot/bottest"
)

const (
	usersSQL = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
	users    = "migrations/20260101_users.sql"
)

// contains fails unless the text holds every part.
func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, text)
		}
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAChangeGoesAllTheWay(t *testing.T) {
	w := bottest.New(t, bottest.Options{})
	n := w.Open("users", map[string]string{users: usersSQL})
	equal(t, "check", w.Check(n), "success: ready to merge: 1 migration, 1 statement")
	contains(t, "sticky", w.Sticky(n), "✅ ready to merge", "`test`", "`prod`", "after the merge", "CREATE TABLE users", "catalog of orders-eu")

	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "test", w.Applied("orders-test"), "20260101")
	equal(t, "eu before the approval", w.Applied("orders-eu"), "")
	contains(t, "sticky", w.Sticky(n), "⏸ waiting for approval of prod", "0 of 1 approval", "`/approve prod`")
	notices := w.Notices(n)
	if len(notices) != 1 {
		t.Fatalf("%d notices: %q", len(notices), notices)
	}
	contains(t, "notice", notices[0], "@bob", "@acme/dba", "`/approve prod`")

	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "Fine.\n\n/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
	for _, database := range []string{"orders-test", "orders-eu", "orders-us"} {
		equal(t, database, w.Applied(database), "20260101")
	}
	contains(t, "sticky", w.Sticky(n), "✅ done in every environment", "| `prod` | 2/2 | ✅ done |", "bob: approve release 1")
	equal(t, "comments", len(w.Own(n)), 3) // sticky, awaiting, finished
	contains(t, "last notice", w.Notices(n)[1], "is done")
	var states []string
	for _, d := range w.Forge.Deployments(bottest.Repo) {
		states = append(states, d.Environment+" "+d.State())
	}
	equal(t, "deployments", strings.Join(states, ", "), "test success, prod success")
}
