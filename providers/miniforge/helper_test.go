package miniforge_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
)

const (
	repo   = "acme/orders"
	first  = "migrations/1_a.sql"
	second = "migrations/2_b.sql"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// bench is a forge with people, a repository and a client of the App.
type bench struct {
	*miniforge.Forge
	t     *testing.T
	clock *clock.Fake
	app   *github.Client // signs in as the App
	in    *github.Client // as its installation
}

// newBench starts a forge whose every API call is held to GitHub's description.
func newBench(t *testing.T, o miniforge.Options) *bench {
	t.Helper()
	b := &bench{t: t, clock: clock.NewFake(noon)}
	o.Clock = b.clock
	o.Middleware = func(h http.Handler) http.Handler { return contract.Wrap(t, h) }
	b.Forge = miniforge.New(o)
	t.Cleanup(func() { _ = b.Close() })
	must(t, b.Serve("127.0.0.1:0"))
	for _, login := range []string{"ann", "bob", "carl"} {
		must(t, b.AddUser(miniforge.User{Login: login}))
	}
	must(t, b.AddRepo(miniforge.NewRepo{Name: repo, Author: "ann", Files: map[string]string{
		first: "CREATE TABLE a (id int);\n", "README.md": "# orders\n",
	}}))
	b.app, b.in = clients(t, b.Forge)
	return b
}

// clients signs in over Enterprise Server's root.
func clients(t *testing.T, f *miniforge.Forge) (app, in *github.Client) {
	t.Helper()
	transport, err := ghinstallation.NewAppsTransport(http.DefaultTransport, f.AppID(), f.PrivateKeyPEM())
	must(t, err)
	transport.BaseURL = f.URL() + "/api/v3"
	app, err = github.NewClient(&http.Client{Transport: transport}).WithEnterpriseURLs(f.URL(), f.URL())
	must(t, err)
	found, _, err := app.Apps.FindRepositoryInstallation(t.Context(), "acme", "orders")
	must(t, err)
	installed := ghinstallation.NewFromAppsTransport(transport, found.GetID())
	in, err = github.NewClient(&http.Client{Transport: installed}).WithEnterpriseURLs(f.URL(), f.URL())
	must(t, err)
	return app, in
}

// openPR opens ann's pull request that adds the second migration.
func (b *bench) openPR() int {
	b.t.Helper()
	_, err := b.Push(repo, "feature", miniforge.Commit{
		Author: "ann", Message: "Add b", Files: map[string]string{second: "CREATE TABLE b (id int);\nSELECT 1;\n"},
	})
	must(b.t, err)
	n, err := b.OpenPR(miniforge.NewPR{Repo: repo, Head: "feature", Title: "Add b", Author: "ann", Labels: []string{"sql"}})
	must(b.t, err)
	return n
}

func (b *bench) pr(n int) miniforge.PullRequest {
	b.t.Helper()
	p, ok := b.PR(repo, n)
	if !ok {
		b.t.Fatalf("no pull request #%d", n)
	}
	return p
}

// await waits for a condition, for at most ten seconds.
func (b *bench) await(what string, cond func(*miniforge.State) bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Wait(ctx, cond); err != nil {
		b.t.Fatalf("waiting for %s: %v", what, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is the value of a call that must not fail.
func got[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		must(t, err)
		return value
	}
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }
