package miniforge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// Forge is an in-process GitHub. All methods are safe for concurrent use.
type Forge struct {
	o       Options
	handler http.Handler
	faults  faults
	storm   storm
	done    context.Context //nolint:containedctx // ends with Close, as the forge itself does
	stop    context.CancelFunc
	running sync.WaitGroup // the delivery goroutine and the server
	server  *http.Server   // nil until Serve

	mu      sync.Mutex
	state   *State
	changed chan struct{} // closed and replaced at every change
}

// New makes an empty forge with one GitHub App. It listens only after Serve.
func New(o Options) *Forge {
	o = o.withDefaults()
	f := &Forge{o: o, state: newState(o), changed: make(chan struct{})}
	f.done, f.stop = context.WithCancel(context.Background())
	f.handler = f.newHandler()
	f.running.Go(f.deliver)
	return f
}

// Handler serves the HTTP API (at / and at /api/v3) and the page.
func (f *Forge) Handler() http.Handler { return f.handler }

// Serve listens on addr, a loopback address such as "127.0.0.1:0", and returns
// at once. The page has no log-in, so other addresses are refused.
func (f *Forge) Serve(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || !isLoopback(host) {
		return fault.New(fault.Invalid, "the mini forge listens on loopback only, not on %q", addr).Because(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(f.done, "tcp", addr)
	if err != nil {
		return fault.New(fault.Unreachable, "listen on %s", addr).Because(err)
	}
	f.server = &http.Server{Handler: f.handler, ReadHeaderTimeout: 10 * time.Second}
	_ = f.change(func(s *State) error {
		s.url = "http://" + listener.Addr().String()
		return nil
	})
	f.running.Go(func() { _ = f.server.Serve(listener) })
	return nil
}

// Close stops the server and the deliveries; the state can still be read.
func (f *Forge) Close() error {
	f.stop()
	var err error
	if f.server != nil {
		err = f.server.Close()
	}
	f.running.Wait()
	return err
}

// URL is the forge's web address, without a trailing slash: a provider's base_url.
func (f *Forge) URL() string { return read(f, func(s *State) string { return s.url }) }

// APIURL is the API's root as Enterprise Server has it, with a trailing slash:
// a provider's api_url. The same API is at URL() + "/", as at api.github.com.
func (f *Forge) APIURL() string { return f.URL() + enterprisePrefix + "/" }

// WebhookSecret is the secret deliveries are signed with.
func (f *Forge) WebhookSecret() string { return f.o.WebhookSecret }

// Wait blocks until cond holds. It is asked again after every change, while the
// state is locked, so it must not call the Forge's methods.
func (f *Forge) Wait(ctx context.Context, cond func(*State) bool) error {
	for {
		f.mu.Lock()
		holds, changed := cond(f.state), f.changed
		f.mu.Unlock()
		if holds {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("miniforge: the awaited state did not come: %w", context.Cause(ctx))
		case <-f.done.Done():
			return errors.New("miniforge: closed while waiting")
		}
	}
}

// change runs one change of the state and tells everyone who waits.
func (f *Forge) change(fn func(*State) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := fn(f.state)
	f.state.version++
	close(f.changed)
	f.changed = make(chan struct{})
	return err
}

// read asks the state something.
func read[T any](f *Forge, fn func(*State) T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fn(f.state)
}

// changeFor runs a change that has a result.
func changeFor[T any](f *Forge, fn func(*State) (T, error)) (T, error) {
	var result T
	err := f.change(func(s *State) (err error) {
		result, err = fn(s)
		return err
	})
	return result, err
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
