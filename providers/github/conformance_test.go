package github_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
	"github.com/shipsql/shipsql/providers/providertest"
)

// The mini forge and each request of ours are held to GitHub's description.
func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) (providers.Provider, providertest.Script) {
		r := newReceiver(t)
		now := clock.NewFake(time.Now().Truncate(time.Second))
		f := miniforge.New(miniforge.Options{
			Middleware: func(h http.Handler) http.Handler { return contract.Wrap(t, h) },
			WebhookURL: r.URL, Clock: now,
		})
		s := script{Forge: f, t: t, requests: &requests{}, receiver: r, clock: now}
		s.must(f.Serve("127.0.0.1:0"))
		t.Cleanup(func() { _ = f.Close() })
		p := provider(t, github.Config{
			Name: "github.com", BaseURL: f.URL(), AppID: f.AppID(),
			PrivateKey: secret.Literal(string(f.PrivateKeyPEM())), WebhookSecrets: []secret.Source{secret.Literal(f.WebhookSecret())},
		}, github.Options{WriteRate: rate.Inf, OnRequest: s.requests.add, Clock: now})
		return p, s
	})
}

// script acts as people on the mini forge.
type script struct {
	*miniforge.Forge
	t        *testing.T
	requests *requests
	receiver *receiver
	clock    *clock.Fake
}

// receiver answers webhooks with a status; 0 hangs up.
type receiver struct {
	*httptest.Server
	status atomic.Int64
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.status.Store(http.StatusOK)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if r.status.Load() == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(int(r.status.Load()))
	}))
	t.Cleanup(r.Close)
	return r
}

func (s script) Receive(status int) {
	s.Settle()
	s.receiver.status.Store(int64(status))
}

func (s script) WebhookURL() string { return s.receiver.URL }

func (s script) Settle() {
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	s.must(s.Settled(ctx))
}

func (s script) Now() time.Time { return s.clock.Now() }

func (s script) Pass(d time.Duration) { s.clock.Advance(d) }

// requests are the statuses of what left the provider.
type requests struct {
	mu       sync.Mutex
	statuses []int
}

func (r *requests) add(_, _ string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = append(r.statuses, status)
}

func (s script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// done passes a value on, or stops the test.
func done[T any](s script) func(T, error) T {
	return func(v T, err error) T {
		s.t.Helper()
		s.must(err)
		return v
	}
}

func (s script) AddUser(login string) { s.must(s.Forge.AddUser(miniforge.User{Login: login})) }

func (s script) AddRepository(name string, files map[string]string) {
	s.must(s.AddRepo(miniforge.NewRepo{Name: name, Files: files, Author: "founder"}))
}

func (s script) Fork(repo, owner string) string { return done[string](s)(s.Forge.Fork(repo, owner)) }

func (s script) SetPermission(repo, login string, p providers.Permission) {
	s.must(s.Forge.SetPermission(repo, login, string(p)))
}

func (s script) AddTeam(team string, members ...string) { s.must(s.Forge.AddTeam(team, members...)) }

func (s script) Install(owner string) { s.must(s.Forge.Install(owner)) }

func (s script) Uninstall(owner string) { s.must(s.Forge.Uninstall(owner)) }

func (s script) Suspend(owner string) { s.must(s.Forge.Suspend(owner)) }

func (s script) Unsuspend(owner string) { s.must(s.Forge.Unsuspend(owner)) }

func (s script) AddToInstallation(repo string) { s.must(s.Forge.AddToInstallation(repo)) }

func (s script) RemoveFromInstallation(repo string) { s.must(s.Forge.RemoveFromInstallation(repo)) }

func (s script) Accept(owner string) { s.must(s.AcceptPermissions(owner)) }

func (s script) Rename(repo, name string) { s.must(s.Forge.Rename(repo, name, "founder")) }

func (s script) Transfer(repo, owner string) { s.must(s.Forge.Transfer(repo, owner, "founder")) }

func (s script) Archive(repo string) { s.must(s.Forge.Archive(repo, "founder")) }

func (s script) DeleteRepository(repo string) { s.must(s.DeleteRepo(repo, "founder")) }

func commit(c providertest.Commit) miniforge.Commit {
	return miniforge.Commit{Author: c.Author, Message: c.Message, Files: c.Files, Symlinks: c.Symlinks, Delete: c.Delete}
}

func (s script) Push(repo, branch string, c providertest.Commit) string {
	return done[string](s)(s.Forge.Push(repo, branch, commit(c)))
}

func (s script) ForcePush(repo, branch, onto string, c providertest.Commit) string {
	return done[string](s)(s.Forge.ForcePush(repo, branch, onto, commit(c)))
}

func (s script) Open(repo string, pr providertest.PullRequest) int {
	return done[int](s)(s.OpenPR(miniforge.NewPR{
		Repo: repo, Head: pr.Head, Author: pr.Author, Title: pr.Title, Draft: pr.Draft, Labels: pr.Labels,
	}))
}

func (s script) Close(repo string, number int, by string) { s.must(s.ClosePR(repo, number, by)) }

func (s script) Merge(repo string, number int, by string, m providertest.Method) string {
	return done[string](s)(s.Forge.Merge(repo, number, miniforge.MergeOptions{By: by, Method: miniforge.MergeMethod(m)}))
}

func (s script) Enqueue(repo string, number int, by string) string {
	s.must(s.Protect(repo, "main", "sql-review"))
	return done[string](s)(s.Forge.Enqueue(repo, number, by))
}

func (s script) Comment(repo string, number int, login, body string) int64 {
	return done[int64](s)(s.CommentAs(repo, number, login, body))
}

func (s script) EditComment(repo string, id int64, login, body string) {
	s.must(s.Forge.EditComment(repo, id, login, body))
}

func (s script) DeleteComment(repo string, id int64, login string) {
	s.must(s.Forge.DeleteComment(repo, id, login))
}

func (s script) Press(repo string, check int64, identifier, by string) {
	s.must(s.RequestAction(repo, check, identifier, by))
}

func (s script) Rerun(repo string, check int64, by string) { s.must(s.Rerequest(repo, check, by)) }

func (s script) Shown(repo string, number int) providertest.Shown {
	pr, ok := s.PR(repo, number)
	if !ok {
		s.t.Fatalf("no pull request %s#%d", repo, number)
	}
	out := providertest.Shown{Reviews: len(pr.Reviews)}
	for _, c := range pr.Comments {
		shown := providertest.ShownComment{ID: c.ID, Author: c.Author, Body: c.Body}
		for _, r := range c.Reactions {
			shown.Reactions = append(shown.Reactions, r.Content)
		}
		out.Comments = append(out.Comments, shown)
	}
	for _, c := range pr.ReviewComments {
		out.Inline = append(out.Inline, providers.InlineComment{Path: c.Path, StartLine: c.StartLine, Line: c.Line, Body: c.Body})
	}
	for _, c := range pr.Checks {
		out.Checks = append(out.Checks, shownCheck(c))
	}
	return out
}

func shownCheck(c miniforge.CheckRun) providertest.ShownCheck {
	shown := providertest.ShownCheck{
		ID: c.ID, Name: c.Name, Status: c.Status, Conclusion: c.Conclusion, Title: c.Title, Summary: c.Summary,
	}
	for _, a := range c.Annotations {
		shown.Annotations = append(shown.Annotations, a.Message)
	}
	for _, a := range c.Actions {
		shown.Actions = append(shown.Actions, a.Identifier)
	}
	return shown
}

func (s script) Deployments(repo string) []providertest.Deployment {
	var out []providertest.Deployment
	for _, d := range s.Forge.Deployments(repo) {
		shown := providertest.Deployment{ID: d.ID, SHA: d.SHA, Environment: d.Environment}
		for _, status := range d.Statuses {
			shown.States = append(shown.States, status.State)
		}
		out = append(out, shown)
	}
	return out
}

func (s script) Deliveries() []providertest.Delivery {
	var out []providertest.Delivery
	for _, d := range s.Forge.Deliveries() {
		out = append(out, providertest.Delivery{Header: d.Header, Body: d.Payload})
	}
	return out
}

// matches says which requests a fault's call is on GitHub.
var matches = map[providertest.Call]miniforge.Match{
	providertest.AnyRead:          {Method: http.MethodGet},
	providertest.MakeComment:      {Method: http.MethodPost, Path: "repos/*/*/issues/*/comments"},
	providertest.EditComment:      {Method: http.MethodPatch, Path: "repos/*/*/issues/comments/*"},
	providertest.MakeReaction:     {Method: http.MethodPost, Path: "repos/*/*/issues/comments/*/reactions"},
	providertest.MakeCheck:        {Method: http.MethodPost, Path: "repos/*/*/check-runs"},
	providertest.UpdateCheck:      {Method: http.MethodPatch, Path: "repos/*/*/check-runs/*"},
	providertest.MakeReview:       {Method: http.MethodPost, Path: "repos/*/*/pulls/*/reviews"},
	providertest.MakeDeployment:   {Method: http.MethodPost, Path: "repos/*/*/deployments"},
	providertest.SetDeployment:    {Method: http.MethodPost, Path: "repos/*/*/deployments/*/statuses"},
	providertest.ReadPullRequest:  {Method: http.MethodGet, Path: "repos/*/*/pulls/*"},
	providertest.FindInstallation: {Method: http.MethodGet, Path: "repos/*/*/installation"},
}

func (s script) Break(f providertest.Fault) (mend func()) {
	if f.Kind != "" {
		what := miniforge.Kind(f.Kind).Fault()
		what.Times = f.Times
		return s.Fail(matches[f.Call], what)
	}
	what := miniforge.Fault{Status: f.Status, AfterWrite: f.Accepted, Times: f.Times}
	if f.RetryAfter > 0 {
		what.Headers = map[string]string{"Retry-After": strconv.Itoa(int(f.RetryAfter / time.Second))}
	}
	return s.Fail(matches[f.Call], what)
}

func (s script) Storm(seed uint64, share float64) { s.Forge.Storm(seed, share) }

func (s script) Calm() { s.Forge.Calm() }

func (s script) Requests() []int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return slices.Clone(s.requests.statuses)
}
