package bottest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	mysqlsyntax "github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// Names of the world every test starts in.
const (
	Repo       = "acme/orders"
	Repository = "github.com/acme/orders"
	Branch     = "main"
	Path       = "migrations"
	Team       = "acme/dba"

	Author   = "ann"  // writes the changes
	Approver = "bob"  // user who may approve prod
	Member   = "carl" // of the approvers' team
	Writer   = "eve"  // may write, and approve nothing
	Stranger = "sam"  // may read
)

// Options change the world before it starts.
type Options struct {
	Files  map[string]string    // what the repository holds at first; default: a README
	Change func(*deploy.Config) // the configuration
	Forge  func(*miniforge.Options)
	Queue  func(*queue.Options)
	Clock  clock.Clock // the bot's own; default: the world's
	// MariaDB makes the databases MariaDB's; default: PostgreSQL's.
	MariaDB bool
}

// World is the running app and its surroundings.
type World struct {
	tb        testing.TB
	options   Options
	Clock     *Clock // of the forge and the store
	Repo      string // what the repository is called now: Repo, until a test renames it
	Forge     *miniforge.Forge
	Provider  providers.Provider
	Store     *store.DB
	*Node                       // the one that takes webhooks
	Config    deploy.Config     // of nodes started from now on
	Databases map[string]string // URL by name
	parser    *syntax.Parser
	engine    executor.Engine
	log       *logs
	nodes     sync.Mutex // guards Node, which only the test's goroutine changes, and down
	down      bool
	death     death
}

// New starts a world; it ends with the test.
func New(tb testing.TB, o Options) *World {
	tb.Helper()
	w := &World{tb: tb, options: o, log: &logs{}, Clock: &Clock{}, Repo: Repo, Databases: map[string]string{}}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("log:\n%s", w.log)
		}
	})
	w.startForge(o)
	w.configure(o)
	w.startApp()
	w.Settle()
	return w
}

func (w *World) startForge(o Options) {
	w.tb.Helper()
	options := miniforge.Options{Clock: w.Clock, Middleware: func(h http.Handler) http.Handler { return w.deadly(contract.Wrap(w.tb, h)) }}
	if o.Forge != nil {
		o.Forge(&options)
	}
	w.Forge = miniforge.New(options)
	w.must(w.Forge.Serve("127.0.0.1:0"))
	w.tb.Cleanup(func() { _ = w.Forge.Close() })
	for _, login := range []string{Author, Approver, Member, Writer, Stranger} {
		w.must(w.Forge.AddUser(miniforge.User{Login: login}))
	}
	w.must(w.Forge.AddRepo(miniforge.NewRepo{Name: Repo, Files: o.Files, Author: Author}))
	for _, login := range []string{Author, Approver, Member, Writer} {
		w.must(w.Forge.SetPermission(Repo, login, "write"))
	}
	w.must(w.Forge.SetPermission(Repo, Stranger, "read"))
	w.must(w.Forge.AddTeam(Team, Member))
}

func (w *World) configure(o Options) {
	w.tb.Helper()
	engine, fresh := "postgres", privateserver.Database
	if o.MariaDB {
		engine, fresh = mysql.MariaDB, privateserver.MariaDBDatabase
	}
	for _, name := range []string{"orders-test", "orders-eu", "orders-us"} {
		w.Databases[name] = fresh(w.tb)
	}
	database := func(name, environment string) deploy.Database {
		return deploy.Database{Name: name, Engine: engine, URL: secret.Literal(w.Databases[name]), Environment: environment,
			Labels: map[string]string{"app": "orders"}}
	}
	w.Config = deploy.Config{
		Databases: []deploy.Database{database("orders-test", "test"), database("orders-eu", "prod"), database("orders-us", "prod")},
		Environments: []deploy.Environment{
			{Name: "test", Rollout: deploy.RolloutAuto, LockRetryFor: time.Second},
			{Name: "prod", Rollout: deploy.RolloutManual, LockRetryFor: time.Second,
				Approvals: deploy.Approvals{Count: 1, Users: []string{Approver}, Teams: []string{Team}}},
		},
		Projects: []deploy.Project{{Repository: Repository, Branch: Branch, Path: Path, Databases: map[string]string{"app": "orders"}}},
	}
	if o.Change != nil {
		o.Change(&w.Config)
	}
}

func (w *World) startApp() {
	w.tb.Helper()
	var err error
	w.Provider, err = github.New(github.Config{
		Name: "github.com", BaseURL: w.Forge.URL(), APIURL: w.Forge.APIURL(), AppID: w.Forge.AppID(),
		PrivateKey: secret.Literal(string(w.Forge.PrivateKeyPEM())), WebhookSecrets: []secret.Source{secret.Literal(w.Forge.WebhookSecret())},
	}, github.Options{WriteRate: 1000, WriteBurst: 1000, Clock: w.Clock})
	w.must(err)
	w.Store = storetest.Open(w.tb, w.Clock)
	w.must(queue.Migrate(w.tb.Context(), w.Store))
	w.parser = syntax.NewParser(syntax.Options{})
	w.tb.Cleanup(func() { _ = w.parser.Close() })
	w.engine = postgres.New(w.parser)
	if w.options.MariaDB {
		w.engine = mysql.New(mysqlsyntax.MariaDB)
	}
	w.listen()
	w.Start()
}

func (w *World) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// logs collects the app's log, shown when a test fails.
type logs struct {
	mu   sync.Mutex
	text []byte
}

// Write appends to the log.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// String is the whole log.
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
