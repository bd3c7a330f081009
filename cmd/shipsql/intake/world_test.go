package intake_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/store"
)

// patience bounds what must come by itself.
const patience = 2 * time.Minute

const (
	repository = "acme/orders"
	writer     = "ann"
)

// world is everything the nodes stand on.
type world struct {
	forge  *miniforge.Forge
	db     *store.DB // the nodes' store
	config string    // path of shipsql.yaml
	pull   int       // an open pull request
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{forge: miniforge.New(miniforge.Options{RateLimit: 1_000_000})}
	w.forge.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Drop }) // the test sends them
	t.Cleanup(func() { _ = w.forge.Close() })
	pull, err := w.populate()
	if err != nil {
		t.Fatal(err)
	}
	w.pull = pull
	// As a store is in production: a commit is on the disk when it is answered.
	server := privateserver.OwnPostgres(t, privateserver.Options{Durable: true})
	if err := server.CreateDatabase(t.Context(), "shipsql"); err != nil {
		t.Fatal(err)
	}
	w.configure(t, server.URL("shipsql"))
	if w.db, err = store.Open(t.Context(), secret.Literal(server.URL("shipsql")), clock.System); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

// populate makes a repository with a pull request that people comment on.
func (w *world) populate() (pull int, err error) {
	err = errors.Join(
		w.forge.Serve("127.0.0.1:0"),
		w.forge.AddUser(miniforge.User{Login: writer}),
		w.forge.AddRepo(miniforge.NewRepo{Name: repository, Author: writer}),
		w.forge.SetPermission(repository, writer, "write"),
	)
	if err != nil {
		return 0, err
	}
	_, pushed := w.forge.Push(repository, "feature", miniforge.Commit{Author: writer, Message: "Add a note", Files: map[string]string{"NOTE.md": "a note\n"}})
	pull, err = w.forge.OpenPR(miniforge.NewPR{Repo: repository, Head: "feature", Title: "Add a note", Author: writer})
	return pull, errors.Join(pushed, err)
}

func (w *world) configure(t *testing.T, storeURL string) {
	t.Helper()
	folder := t.TempDir()
	text := fmt.Sprintf(`server: {listen: "127.0.0.1:0", public_url: "http://shipsql.example.com"}
store: "file:store.url"
redis: %q
providers:
  github: {name: forge, base_url: %q, api_url: %q, app_id: %d, private_key: "file:app.pem", webhook_secret: "file:webhook.secret"}
databases:
  - {name: orders, engine: postgres, url: "postgres://nobody:nothing@127.0.0.1:1/orders", environment: test, labels: {app: orders}}
environments:
  - {name: test, rollout: auto}
projects:
  - {repository: forge/%s, branch: main, path: migrations, databases: {app: orders}}
`, privateserver.OwnRedis(t).URL(), w.forge.URL(), w.forge.APIURL(), w.forge.AppID(), repository)
	w.config = filepath.Join(folder, "shipsql.yaml")
	var errs []error
	for name, text := range map[string]string{
		"shipsql.yaml": text, "store.url": storeURL, "app.pem": string(w.forge.PrivateKeyPEM()), "webhook.secret": w.forge.WebhookSecret(),
	} {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// nodes starts two web nodes and a worker, and returns where webhooks go.
func (w *world) nodes(t *testing.T) []string {
	t.Helper()
	var targets []string
	for n := range 2 {
		web := start(t, fmt.Sprintf("web-%d", n+1), part{Config: w.config, Role: config.RoleWeb})
		targets = append(targets, webhooks(web))
	}
	start(t, "worker", part{Config: w.config, Role: config.RoleWorker})
	return targets
}

func webhooks(n *node) string {
	u := url.URL{Scheme: "http", Host: n.address, Path: "/webhooks/forge"}
	return u.String()
}

// number reads one from the store.
func (w *world) number(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := w.db.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// unfinished counts deliveries and their jobs that are not done.
const unfinished = `SELECT (SELECT count(*) FROM bot_deliveries WHERE state <> 'done')
	+ (SELECT count(*) FROM queue_jobs WHERE kind = 'delivery' AND state <> 'done')`

// settled waits until nothing of the deliveries is left to do.
func (w *world) settled(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for w.number(t, unfinished) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries and jobs are not done", w.number(t, unfinished))
		}
		<-time.After(50 * time.Millisecond)
	}
}
