package bottest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
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
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/reviewer"
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
	Clock  clock.Clock // the bot's; default: the machine's
}

// World is the running app and its surroundings.
type World struct {
	tb        testing.TB
	Forge     *miniforge.Forge
	Provider  providers.Provider
	Store     *store.DB
	Queue     *queue.Queue
	Deploy    *deploy.Service
	Bot       *bot.Bot
	Config    deploy.Config
	Databases map[string]string // URL by name
	engine    executor.Engine
	log       *logs
}

// New starts a world; it ends with the test.
func New(tb testing.TB, o Options) *World {
	tb.Helper()
	w := &World{tb: tb, log: &logs{}, Databases: map[string]string{}}
	w.startForge(o)
	w.configure(o)
	w.startApp(o)
	w.Settle()
	return w
}

func (w *World) startForge(o Options) {
	w.tb.Helper()
	options := miniforge.Options{Middleware: func(h http.Handler) http.Handler { return contract.Wrap(w.tb, h) }}
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
	for _, name := range []string{"orders-test", "orders-eu", "orders-us"} {
		w.Databases[name] = privateserver.Database(w.tb)
	}
	database := func(name, environment string) deploy.Database {
		return deploy.Database{Name: name, Engine: "postgres", URL: secret.Literal(w.Databases[name]), Environment: environment,
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

func (w *World) startApp(o Options) {
	w.tb.Helper()
	ctx := w.tb.Context()
	var err error
	w.Provider, err = github.New(github.Config{
		Name: "github.com", BaseURL: w.Forge.URL(), APIURL: w.Forge.APIURL(), AppID: w.Forge.AppID(),
		PrivateKey: secret.Literal(string(w.Forge.PrivateKeyPEM())), WebhookSecrets: []secret.Source{secret.Literal(w.Forge.WebhookSecret())},
	}, github.Options{WriteRate: 1000, WriteBurst: 1000})
	w.must(err)
	w.Store = storetest.Open(w.tb, clock.System)
	w.must(queue.Migrate(ctx, w.Store))
	log := slog.New(slog.NewTextHandler(w.log, nil))
	options := queue.Options{Workers: 4, BackoffMin: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond, Reconcile: 200 * time.Millisecond, Grace: 5 * time.Second}
	if o.Queue != nil {
		o.Queue(&options)
	}
	w.Queue = queue.New(w.Store, bell.NewLocal(), log, options)
	if o.Clock == nil {
		o.Clock = clock.System
	}
	parser := syntax.NewParser(syntax.Options{})
	w.tb.Cleanup(func() { _ = parser.Close() })
	w.engine = postgres.New(parser)
	engines := map[string]executor.Engine{w.engine.Name(): w.engine}
	w.Deploy, err = deploy.New(ctx, w.Store, w.Queue, w.Config, deploy.Deps{Engines: engines, Log: log, ToolVersion: "test"})
	w.must(err)
	w.Bot, err = bot.New(ctx, bot.Deps{
		Store: w.Store, Queue: w.Queue, Deploy: w.Deploy, Reviewer: reviewer.New(parser), Engines: engines,
		Providers: map[string]providers.Provider{w.Provider.Name(): w.Provider}, PublicURL: "https://shipsql.example.com", Log: log, Clock: o.Clock,
		Pace: time.Nanosecond, // a test waits for what is due, not for what is for later
	})
	w.must(err)
	w.Bot.Register()
	w.listen()
	w.run()
}

// listen takes the forge's webhooks as the app's listener does.
func (w *World) listen() {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		if _, err := w.Deliver(r.Context(), r.Header, body); err != nil {
			_, _ = fmt.Fprintf(w.log, "a delivery was refused: %v\n", err)
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		rw.WriteHeader(http.StatusAccepted)
	}))
	w.tb.Cleanup(server.Close)
	w.Forge.SetWebhookURL(server.URL)
}

// Deliver verifies a webhook and gives it to the inbox.
func (w *World) Deliver(ctx context.Context, h http.Header, body []byte) (bot.Outcome, error) {
	event, err := w.Provider.ParseWebhook(h, body)
	if err != nil {
		return "", err
	}
	return w.Bot.Receive(ctx, bot.Delivery{Provider: w.Provider.Name(), GUID: event.Delivery, Event: event})
}

// run works off jobs until the test ends.
func (w *World) run() {
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := w.Queue.Run(ctx); err != nil {
			w.tb.Errorf("the queue ended: %v", err)
		}
	})
	w.tb.Cleanup(func() {
		stop()
		ended.Wait()
		if w.tb.Failed() {
			w.tb.Logf("log:\n%s", w.log)
		}
	})
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
