package torture_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/loopback"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// orders are a round's databases.
var orders = []string{"orders-test", "orders-eu", "orders-us", "orders-ap"}

// patience is how long anything may take that must come once the faults are over.
const patience = 3 * time.Minute

// world is everything a round happens in.
type world struct {
	folder    string // configuration and logs
	seed      uint64
	databases []string // the targets: the first is test's, the others are prod's

	store, target         *privateserver.Postgres
	redis                 *privateserver.Redis
	forge                 *miniforge.Forge
	storeWire, targetWire *faultproxy.Proxy

	secrets secrets
	stop    context.CancelFunc // ends the supervision of the nodes
	workers []*node
	webs    []*node
	address []string // of the web nodes
	started chan started
}

// build makes a world without nodes. What stands when a step fails is taken down
// by close.
func build(ctx context.Context, folder string, seed uint64, databases ...string) (*world, error) {
	w := &world{folder: folder, seed: seed, databases: databases, secrets: plant(databases), started: make(chan started, 1000)}
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return w, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if w.store, err = privateserver.StartPostgres(ctx, privateserver.Options{}); err != nil {
			return err
		}
		return w.grant(ctx, w.store, storeName)
	})
	group.Go(func() (err error) {
		if w.target, err = privateserver.StartPostgres(ctx, privateserver.Options{}); err != nil {
			return err
		}
		return w.grant(ctx, w.target, databases...)
	})
	group.Go(func() (err error) { w.redis, err = privateserver.StartRedis(ctx); return err })
	group.Go(w.openForge)
	if err := group.Wait(); err != nil {
		return w, err
	}
	return w, errors.Join(w.wire(), w.configure()) //nolint:contextcheck // a proxy ends by its own Close
}

// storeName is the store's database and login.
const storeName = "shipsql"

// grant makes databases, each with an owner of its own.
func (w *world) grant(ctx context.Context, server *privateserver.Postgres, names ...string) error {
	for _, name := range names {
		err := errors.Join(
			execute(ctx, server.SocketURL("postgres"), fmt.Sprintf(`CREATE ROLE %q LOGIN PASSWORD '%s'`, name, w.secrets[name])),
			execute(ctx, server.SocketURL("postgres"), fmt.Sprintf(`CREATE DATABASE %q OWNER %q`, name, name)),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// execute runs one statement, past the wires.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// wire puts the proxies between the nodes and the servers.
func (w *world) wire() (err error) {
	if w.storeWire, err = proxyOf(w.store); err != nil {
		return err
	}
	w.targetWire, err = proxyOf(w.target)
	return err
}

func proxyOf(server *privateserver.Postgres) (*faultproxy.Proxy, error) {
	u, err := url.Parse(server.URL("postgres"))
	if err != nil {
		return nil, err
	}
	return faultproxy.Start(u.Host)
}

// through is a database's URL as the nodes have it.
func (w *world) through(wire *faultproxy.Proxy, name string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(name, w.secrets[name]), Host: wire.Addr(), Path: "/" + name, RawQuery: "sslmode=disable"}
	return u.String()
}

// Names on the forge.
const (
	repository = "acme/orders"
	branch     = "main"
	author     = "ann"
	merger     = "max"
	approver   = "bob"
	checkName  = "sql-review"
)

func (w *world) openForge() error {
	w.forge = miniforge.New(miniforge.Options{WebhookSecret: w.secrets["webhook secret"], RateLimit: 1_000_000})
	errs := []error{w.forge.Serve("127.0.0.1:0")}
	for _, login := range []string{author, merger, approver} {
		errs = append(errs, w.forge.AddUser(miniforge.User{Login: login}))
	}
	return errors.Join(append(errs,
		w.forge.AddRepo(miniforge.NewRepo{Name: repository, Branch: branch, Author: merger}),
		w.forge.SetPermission(repository, author, "write"),
		w.forge.SetPermission(repository, merger, "maintain"),
		w.forge.SetPermission(repository, approver, "write"),
		w.forge.Protect(repository, branch, checkName),
	)...)
}

// nodes starts two web nodes and so many workers, and returns when all are ready
// and know where the branch stands: what is older is never released.
func (w *world) nodes(ctx context.Context, workers int, fast bool) error {
	life, stop := context.WithCancel(context.Background())
	w.stop = stop
	start := func(name string, role config.Role) (*node, error) {
		n := &node{
			part: part{Config: filepath.Join(w.folder, name+".yaml"), Role: role, Hurry: fast},
			name: name, log: filepath.Join(w.folder, name+".log"), told: w.started,
		}
		port, err := loopback.Free(ctx)
		if err != nil {
			return nil, err
		}
		address := loopback.Address(port)
		if role == config.RoleWeb {
			w.address = append(w.address, address)
		}
		if err := os.WriteFile(n.Config, []byte(w.configuration(address)), 0o600); err != nil {
			return nil, err
		}
		supervised(life, n)
		return n, nil
	}
	for i := range 2 {
		n, err := start(fmt.Sprintf("web-%d", i+1), config.RoleWeb)
		if err != nil {
			return err
		}
		w.webs = append(w.webs, n)
	}
	w.forge.SetWebhookURL(w.webhooks(0))
	for i := range workers {
		n, err := start(fmt.Sprintf("worker-%d", i+1), config.RoleWorker)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, n)
	}
	return w.until(ctx, "all nodes to be ready and the branch to be known", func() (bool, string) {
		for _, n := range w.all() {
			if !n.isReady() {
				return false, n.name + " is not"
			}
		}
		known, err := w.list(ctx, w.store, storeName, "SELECT id FROM deploy_projects")
		return len(known) > 0, fmt.Sprint("no cursor yet; ", err)
	})
}

func (w *world) all() []*node { return slices.Concat(w.webs, w.workers) }

// webhooks is where a web node takes them.
func (w *world) webhooks(web int) string { return "http://" + w.address[web] + "/webhooks/forge" }

// rest ends all nodes in order and tells what they complained of.
func (w *world) rest() []string {
	w.stop()
	var found []string
	for _, n := range w.all() {
		p := n.signal(syscall.SIGTERM)
		n.done.Wait()
		if p != nil && !p.cmd.ProcessState.Success() {
			found = append(found, fmt.Sprintf("%s ends with %v after SIGTERM", n.name, p.cmd.ProcessState))
		}
		found = append(found, n.surprises()...)
	}
	return found
}

// close takes the world down at once.
func (w *world) close() error {
	if w.stop != nil {
		w.stop()
	}
	for _, n := range w.all() {
		n.signal(syscall.SIGKILL)
		n.done.Wait()
	}
	var errs []error
	if w.forge != nil {
		errs = append(errs, w.forge.Close())
	}
	for _, wire := range []*faultproxy.Proxy{w.storeWire, w.targetWire} {
		if wire != nil {
			errs = append(errs, wire.Close())
		}
	}
	for _, server := range []*privateserver.Postgres{w.store, w.target} {
		if server != nil {
			errs = append(errs, server.Stop())
		}
	}
	if w.redis != nil {
		errs = append(errs, w.redis.Stop())
	}
	return errors.Join(errs...)
}

// until polls a condition that no event tells.
func (w *world) until(ctx context.Context, what string, holds func() (bool, string)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; {
		ok, seen := holds()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited in vain for %s; last seen: %s", what, seen)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s (%s): %w", what, seen, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// random is a source of its own for one purpose, from the round's seed.
func (w *world) random(purpose string) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(purpose))
	return rand.New(rand.NewPCG(w.seed, hash.Sum64()))
}
