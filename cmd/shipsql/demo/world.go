package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// The databases of the story, by the server they live on.
const (
	ordersTest = "orders-test"
	ordersEU   = "orders-eu"
	ordersUS   = "orders-us"
)

// world is everything the story happens in: two PostgreSQL servers, a forge,
// and the bot between them.
type world struct {
	Options

	started    time.Time
	folder     string // configuration, store and logs
	test, prod *privateserver.Postgres
	forge      *miniforge.Forge
	app        *app
}

// build makes the world. What it made until an error is taken down by close.
// When the bot's process ends by itself, died is called.
func (w *world) build(ctx context.Context, died func(error)) (err error) {
	if w.folder, err = os.MkdirTemp("", "shipsql-demo-"); err != nil {
		return err
	}
	if err = w.app.plan(ctx, w.Options, w.folder, died); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { w.test, err = w.server(groupCtx, ordersTest); return err })
	group.Go(func() (err error) { w.prod, err = w.server(groupCtx, ordersEU, ordersUS); return err })
	group.Go(w.openForge)
	if err := group.Wait(); err != nil {
		return err
	}
	// One order was booked with a negative total: only prod's data knows.
	if err := w.exec(ctx, ordersEU, "UPDATE orders SET total = -5 WHERE id = 7"); err != nil {
		return err
	}
	if err := w.configure(false); err != nil {
		return err
	}
	return w.app.start(ctx)
}

// close takes the world down. Its folder stays when it was asked for.
func (w *world) close() error {
	var errs []error
	errs = append(errs, w.app.kill())
	if w.forge != nil {
		errs = append(errs, w.forge.Close())
	}
	for _, server := range []*privateserver.Postgres{w.test, w.prod} {
		if server != nil {
			errs = append(errs, server.Stop())
		}
	}
	if !w.Keep && w.folder != "" {
		errs = append(errs, os.RemoveAll(w.folder))
	}
	return errors.Join(errs...)
}

// server starts a PostgreSQL server with databases as they are before the story.
func (w *world) server(ctx context.Context, databases ...string) (*privateserver.Postgres, error) {
	server, err := privateserver.StartPostgres(ctx, privateserver.Options{})
	if err != nil {
		return nil, err
	}
	for _, database := range databases {
		if err := w.seed(ctx, server, database); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
	}
	return server, nil
}

// seed brings a database to the state of the branch, as an operator would.
func (w *world) seed(ctx context.Context, server *privateserver.Postgres, database string) error {
	if err := server.CreateDatabase(ctx, database); err != nil {
		return err
	}
	checkout := filepath.Join(w.folder, database)
	for path, text := range seedFile() {
		file := filepath.Join(checkout, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			return err
		}
	}
	up := exec.CommandContext(ctx, w.Executable, "migrate", "up", "--database", server.URL(database), "--dir", filepath.Join(checkout, folder))
	if out, err := up.CombinedOutput(); err != nil {
		return fmt.Errorf("shipsql migrate up on %s: %w: %s", database, err, secret.Redact(string(out)))
	}
	return execOn(ctx, server.URL(database), sqlFile("data"))
}

func (w *world) openForge() error {
	w.forge = miniforge.New(miniforge.Options{WebhookURL: w.app.url() + "/webhooks/" + provider})
	files := seedFile()
	files["README.md"] = "# Orders\n\nA shop's orders. Migrations are in `migrations/`.\n"
	errs := []error{w.forge.Serve("127.0.0.1:0")}
	for _, login := range []string{author, merger, approver, stranger} {
		errs = append(errs, w.forge.AddUser(miniforge.User{Login: login}))
	}
	return errors.Join(append(errs,
		w.forge.AddRepo(miniforge.NewRepo{Name: repository, Branch: branch, Files: files, Author: merger}),
		w.forge.AddTeam(team, approver),
		w.forge.SetPermission(repository, author, "write"),
		w.forge.SetPermission(repository, merger, "maintain"),
		w.forge.SetPermission(repository, approver, "write"),
		w.forge.SetPermission(repository, stranger, "read"),
		w.forge.Protect(repository, branch, "sql-review"),
	)...)
}

// url is where a database of the story is reached.
func (w *world) url(database string) string {
	if database == ordersTest {
		return w.test.URL(database)
	}
	return w.prod.URL(database)
}

func (w *world) exec(ctx context.Context, database, sql string) error {
	return execOn(ctx, w.url(database), sql)
}

func execOn(ctx context.Context, url, sql string) error {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer connection.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	_, err = connection.Exec(ctx, sql)
	return err
}

// ask returns a query's single text value.
func (w *world) ask(ctx context.Context, database, query string, args ...any) (string, error) {
	connection, err := pgx.Connect(ctx, w.url(database))
	if err != nil {
		return "", err
	}
	defer connection.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	var answer *string
	if err := connection.QueryRow(ctx, query, args...).Scan(&answer); err != nil {
		return "", err
	}
	if answer == nil {
		return "", nil
	}
	return strings.TrimSpace(*answer), nil
}
