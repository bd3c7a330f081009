package adjacent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/providers/miniforge"
)

const (
	repository = "acme/orders"
	branch     = "main"
	author     = "ann"
	merger     = "max"
	checkName  = "sql-review"
	storeName  = "shipsql"
)

var targets = []string{"orders-test", "orders-eu", "orders-us"}

// world is what all nodes share.
type world struct {
	t      *testing.T
	folder string
	server *privateserver.Postgres // the store and the targets
	redis  *privateserver.Redis
	forge  *miniforge.Forge
	nodes  []*node
	merged int // changes, of one migration each
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, folder: t.TempDir(), server: privateserver.OwnPostgres(t, privateserver.Options{}), redis: privateserver.OwnRedis(t),
		forge: miniforge.New(miniforge.Options{WebhookSecret: "the-webhook-secret", RateLimit: 1_000_000}),
	}
	t.Cleanup(w.showLogs)
	for _, name := range append([]string{storeName}, targets...) {
		w.must(w.server.CreateDatabase(t.Context(), name))
	}
	w.must(w.forge.Serve("127.0.0.1:0"))
	t.Cleanup(func() { _ = w.forge.Close() })
	w.must(errors.Join(
		w.forge.AddUser(miniforge.User{Login: author}),
		w.forge.AddUser(miniforge.User{Login: merger}),
		w.forge.AddRepo(miniforge.NewRepo{Name: repository, Branch: branch, Author: merger}),
		w.forge.SetPermission(repository, author, "write"),
		w.forge.SetPermission(repository, merger, "maintain"),
		w.forge.Protect(repository, branch, checkName),
	))
	w.must(os.WriteFile(filepath.Join(w.folder, "app.pem"), w.forge.PrivateKeyPEM(), 0o600))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) configuration(address string) string {
	var databases strings.Builder
	for i, name := range targets {
		environment := "prod"
		if i == 0 {
			environment = "test"
		}
		fmt.Fprintf(&databases, "  - {name: %s, url: %q, environment: %s, labels: {app: orders}}\n", name, w.server.URL(name), environment)
	}
	return fmt.Sprintf(`server: {listen: %q, public_url: "http://shipsql.example.com"}
store: %q
redis: %q
providers:
  github: {name: forge, base_url: %q, api_url: %q, app_id: %d, private_key: "file:app.pem", webhook_secret: %q}
databases:
%senvironments:
  - {name: test, rollout: auto}
  - {name: prod, rollout: auto}
projects:
  - {repository: forge/%s, branch: %s, path: migrations, databases: {app: orders}}
`, address, w.server.URL(storeName), w.redis.URL(), w.forge.URL(), w.forge.APIURL(), w.forge.AppID(), w.forge.WebhookSecret(),
		&databases, repository, branch)
}

// showLogs shows what the nodes said, if the test failed.
func (w *world) showLogs() {
	if !w.t.Failed() {
		return
	}
	for _, n := range w.nodes {
		text, _ := os.ReadFile(n.log)
		w.t.Logf("%s (%s):\n%s", n.name, n.role, text)
	}
}

// deliverTo has the forge send its webhooks to a node.
func (w *world) deliverTo(n *node) {
	w.t.Helper()
	w.forge.SetWebhookURL("http://" + n.address + "/webhooks/forge")
}

// change opens the next change's pull request, waits for its check and merges.
func (w *world) change() {
	w.t.Helper()
	w.merged++
	name := fmt.Sprintf("change-%d", w.merged)
	_, err := w.forge.Push(repository, name, miniforge.Commit{Author: author, Message: name, Files: map[string]string{
		fmt.Sprintf("migrations/%04d_count.sql", w.merged): w.migration(),
	}})
	w.must(err)
	number, err := w.forge.OpenPR(miniforge.NewPR{Repo: repository, Head: name, Title: name, Author: author})
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	blocked := ""
	err = w.forge.Wait(ctx, func(s *miniforge.State) bool {
		pr, _ := s.PR(repository, number)
		blocked = pr.Blocked
		return blocked == ""
	})
	if err != nil {
		w.t.Fatalf("%s stays blocked: %s", name, blocked)
	}
	_, err = w.forge.Merge(repository, number, miniforge.MergeOptions{By: merger})
	w.must(err)
}

// migration must run exactly once: it counts up and leaves a row.
func (w *world) migration() string {
	text := "UPDATE counter SET n = n + 1 WHERE id = 1;\nSELECT pg_sleep(0.3);\n"
	if w.merged == 1 {
		text = "CREATE TABLE counter (id int PRIMARY KEY, n bigint NOT NULL);\nCREATE TABLE log (version int NOT NULL);\nINSERT INTO counter VALUES (1, 1);\n"
	}
	return text + fmt.Sprintf("INSERT INTO log VALUES (%d);\n", w.merged)
}

// ask reads one number.
func (w *world) ask(ctx context.Context, database, query string) (n int, err error) {
	conn, err := pgx.Connect(ctx, w.server.SocketURL(database))
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return n, conn.QueryRow(ctx, query).Scan(&n)
}

// number is ask, and no error is expected.
func (w *world) number(database, query string) int {
	w.t.Helper()
	n, err := w.ask(w.t.Context(), database, query)
	w.must(err)
	return n
}
