package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
)

// locked holds a table of a database until release is called.
func locked(t *testing.T, url, table string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "set application_name = 'nightly'; begin; lock table "+table); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
			t.Error(err)
		}
	}
}

// While a statement waits for a lock the sticky comment says who is in the way.
// A first cancel lets it finish, a second one ends it, and retry goes on.
func TestAStatementInTheWayIsShownAndCancelled(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{Change: func(c *deploy.Config) {
		c.Environments[1].LockTimeout, c.Environments[1].LockRetryFor = 10*time.Minute, time.Hour
	}})
	w.Say(n, bottest.Approver, "/approve prod")
	w.Await(n, "test done, prod done")
	n = w.Open("nick", map[string]string{"migrations/20260102_nick.sql": "ALTER TABLE users ADD COLUMN nick text;\n"})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")

	release := locked(t, w.Databases["orders-eu"], "users")
	say := func(login, body string) { // Say would wait until the task is over
		t.Helper()
		if _, err := w.Forge.CommentAs(w.Repo, n, login, body); err != nil {
			t.Fatal(err)
		}
	}
	say(bottest.Approver, "/approve prod")
	w.AwaitSticky(n, "- 🔄 running on `orders-eu` (prod): `migrations/20260102_nick.sql`, statement 1 of 1; waits for a lock of '…' (pid ")
	say(bottest.Writer, "/cancel prod")
	w.AwaitSticky(n, "cancelled by eve; what runs on 1 database is finished first, unless somebody says so once more")
	w.Until("the reply names the next command", func() bool {
		replies := strings.Join(w.Replies(n), "\n")
		return strings.Contains(replies, "is finished first") && strings.Contains(replies, "`/cancel prod`")
	})
	say(bottest.Writer, "/cancel prod")
	w.Await(n, "test done, prod cancelled")
	equal(t, "applied on orders-eu", w.Applied("orders-eu"), "20260101")
	if sticky := w.Sticky(n); strings.Contains(sticky, "running on") || !strings.Contains(sticky, "`/retry prod`") {
		t.Errorf("the sticky comment is %s", sticky)
	}
	release()
	w.Say(n, bottest.Writer, "/retry prod")
	w.Await(n, "test done, prod done")
	equal(t, "applied on orders-eu", w.Applied("orders-eu"), "20260101 20260102")
}
