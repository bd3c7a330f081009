package bot_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/bot/bottest"
)

// A release goes to MariaDB by the same workers, gates and comments. The review
// says that it has no rules for it.
func TestAChangeGoesAllTheWayToMariaDB(t *testing.T) {
	const orders = "migrations/20260102_orders.sql"
	w := bottest.New(t, bottest.Options{MariaDB: true})
	n := w.Open("orders", map[string]string{
		users: "CREATE TABLE `users` (id bigint PRIMARY KEY AUTO_INCREMENT, email varchar(200)) ENGINE=InnoDB;\n",
		orders: "ALTER TABLE users ADD COLUMN orders int NOT NULL DEFAULT 0; # it's MySQL's comment\n" +
			"CREATE PROCEDURE order_of(who bigint) BEGIN UPDATE users SET orders = orders + 1 WHERE id = who; SELECT orders FROM users; END;\n" +
			"INSERT INTO users (email) VALUES ('a;b\\'c');\n",
	})
	equal(t, "check", w.Check(n), "success: ready to merge: 2 migrations, 4 statements")
	contains(t, "sticky", w.Sticky(n), "✅ ready to merge", "parsed only: no MySQL rules yet")
	if strings.Contains(w.Sticky(n), "static rules") {
		t.Errorf("the basis claims rules that there are none of:\n%s", w.Sticky(n))
	}

	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "test", w.Applied("orders-test"), "20260101 20260102")
	equal(t, "eu before the approval", w.Applied("orders-eu"), "")
	w.Say(n, bottest.Approver, "/approve prod")
	w.Await(n, "test done, prod done")
	for _, database := range []string{"orders-test", "orders-eu", "orders-us"} {
		equal(t, database, w.Applied(database), "20260101 20260102")
	}
}

func TestWhatNobodyCanReadOfMariaDBBlocksTheMerge(t *testing.T) {
	w := bottest.New(t, bottest.Options{MariaDB: true})
	n := w.Open("odd", map[string]string{users: "FROBNICATE users;\n"})
	if check := w.Check(n); strings.HasPrefix(check, "success") {
		t.Errorf("check: %s", check)
	}
	contains(t, "sticky", w.Sticky(n), "not-analysed", "parsed only: no MySQL rules yet; 1 statement not analysed")
}
