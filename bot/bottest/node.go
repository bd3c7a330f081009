package bottest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/reviewer"
)

// Node is one running process of the app.
type Node struct {
	Queue  *queue.Queue
	Deploy *deploy.Service
	Bot    *bot.Bot
	end    func() // once, or again
}

// Start starts the app on the world's store, as configured now; it takes the
// webhooks from then on. It ends with the test, or by Stop.
func (w *World) Start() {
	w.tb.Helper()
	n := w.NewNode(nil)
	w.nodes.Lock()
	w.Node, w.down = n, false
	w.nodes.Unlock()
}

// Stop ends the node that takes webhooks at once, as a crash does: what runs is
// cut off in its middle. Webhooks are answered 503 until Start.
func (w *World) Stop() {
	w.nodes.Lock()
	n := w.Node
	w.down = true
	w.nodes.Unlock()
	n.end()
}

// isDown says whether nothing runs.
func (w *World) isDown() bool {
	w.nodes.Lock()
	defer w.nodes.Unlock()
	return w.down
}

// NewNode starts one more process on the world's store; change is its queue's.
func (w *World) NewNode(change func(*queue.Options)) *Node {
	w.tb.Helper()
	ctx := w.tb.Context()
	options := queue.Options{
		Workers: 4, BackoffMin: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond, Reconcile: 200 * time.Millisecond, Grace: time.Millisecond,
	}
	for _, c := range []func(*queue.Options){w.options.Queue, change} {
		if c != nil {
			c(&options)
		}
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	n := &Node{Queue: queue.New(w.Store, bell.NewLocal(), log, options)}
	engines := map[string]executor.Engine{w.engine.Name(): w.engine}
	var err error
	n.Deploy, err = deploy.New(ctx, w.Store, n.Queue, w.Config, deploy.Deps{Engines: engines, Log: log, ToolVersion: "test"})
	w.must(err)
	d := bot.Deps{
		Store: w.Store, Queue: n.Queue, Deploy: n.Deploy, Reviewer: reviewer.New(w.parser), Engines: engines,
		Providers: map[string]providers.Provider{w.Provider.Name(): w.Provider}, PublicURL: "https://shipsql.example.com", Log: log, Clock: w.Clock,
		Pace: time.Nanosecond, // a test waits for what is due, not what is for later
	}
	if w.options.Clock != nil {
		d.Clock = w.options.Clock
	}
	n.Bot, err = bot.New(ctx, d)
	w.must(err)
	n.Bot.Register()
	w.run(n)
	return n
}

// run works off jobs until the node's end.
func (w *World) run(n *Node) {
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := n.Queue.Run(ctx); err != nil {
			_, _ = fmt.Fprintf(w.log, "the queue ended: %v\n", err)
		}
	})
	n.end = func() {
		stop()
		ended.Wait()
	}
	w.tb.Cleanup(n.end)
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

// errDown is what a webhook meets while no node runs.
var errDown = fmt.Errorf("the app is down")

// Deliver verifies a webhook and gives it to the inbox.
func (w *World) Deliver(ctx context.Context, h http.Header, body []byte) (bot.Outcome, error) {
	w.nodes.Lock()
	n, down := w.Node, w.down
	w.nodes.Unlock()
	if down {
		return "", errDown
	}
	event, err := w.Provider.ParseWebhook(h, body)
	if err != nil {
		return "", err
	}
	return n.Bot.Receive(ctx, bot.Delivery{Provider: w.Provider.Name(), GUID: event.Delivery, Event: event})
}

// LongerThanBelieved is after how long the app asks the forge again which
// repository is which.
const LongerThanBelieved = time.Minute + time.Second

// Clock is the machine's clock, set forward as far as a test likes.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is the machine's time and what was skipped.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().UTC().Add(c.ahead)
}

// Skip sets the clock forward.
func (c *Clock) Skip(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
