package miniforge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-github/v60/github"
	"go.uber.org/goleak"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// Somebody who waits is woken by the change, whoever makes it.
func TestWait(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	var wg sync.WaitGroup
	wg.Go(func() {
		b.await("the comment", func(s *miniforge.State) bool {
			p, _ := s.PR(repo, n)
			return len(p.Comments) == 1
		})
	})
	wg.Go(func() {
		b.await("the check", func(s *miniforge.State) bool {
			checks := s.ChecksOf(repo, s.Head(repo, "feature"))
			return len(checks) == 1 && checks[0].Conclusion == "success"
		})
	})
	got[int64](t)(b.CommentAs(repo, n, "bob", "hello"))
	b.conclude(b.pr(n).Head.SHA, "success")
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx, func(*miniforge.State) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting in vain: %v", err)
	}
	must(t, b.Close())
	if err := b.Wait(t.Context(), func(*miniforge.State) bool { return false }); err == nil {
		t.Error("waiting on a closed forge")
	}
}

// What was read doesn't change afterwards.
func TestGettersReturnCopies(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	id := got[int64](t)(b.CommentAs(repo, n, "bob", "before"))
	b.check(n, "failure")
	before := b.pr(n)
	must(t, b.EditComment(repo, id, "bob", "after"))
	before.Labels[0], before.Checks[0].Annotations[0].Message = "changed", "changed"
	after := b.pr(n)
	if before.Comments[0].Body != "before" || after.Comments[0].Body != "after" || after.Labels[0] != "sql" ||
		after.Checks[0].Annotations[0].Message != "locks the table" {
		t.Errorf("the copies are shared: %+v and %+v", before, after)
	}
}

// The API is also at the root, as at api.github.com, and requests are recorded.
func TestRootAPI(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	must(t, b.AddTeam("acme/dba", "carl"))
	must(t, b.RemoveFromTeam("acme/dba", "carl"))
	list, _, err := b.app.Apps.ListInstallations(t.Context(), nil)
	must(t, err)
	token, _, err := b.app.Apps.CreateInstallationToken(t.Context(), list[0].GetID(), nil)
	must(t, err)
	root := github.NewClient(nil).WithAuthToken(token.GetToken())
	root.BaseURL.Scheme, root.BaseURL.Host = "http", strings.TrimPrefix(b.URL(), "http://")
	members, _, err := root.Teams.ListTeamMembersBySlug(t.Context(), "acme", "dba", nil)
	must(t, err)
	found, _, err := root.Repositories.Get(t.Context(), "ACME", "Orders")
	must(t, err)
	if len(members) != 0 || found.GetFullName() != repo || found.GetURL() != b.URL()+"/repos/"+repo {
		t.Errorf("members %v, repository %s at %s", members, found.GetFullName(), found.GetURL())
	}
	if b.APIURL() != b.URL()+"/api/v3/" || b.WebhookSecret() == "" {
		t.Errorf("API at %s, secret %q", b.APIURL(), b.WebhookSecret())
	}
	all := b.Requests()
	if last := all[len(all)-1]; last.Path != "repos/ACME/Orders" || last.Status != http.StatusOK || last.Method != http.MethodGet {
		t.Errorf("the last request is recorded as %+v", last)
	}
}

func TestScriptingErrors(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	for name, tc := range map[string]struct {
		err  error
		want fault.Code
	}{
		"a user twice":        {b.AddUser(miniforge.User{Login: "ANN"}), fault.Conflict},
		"a nameless user":     {b.AddUser(miniforge.User{}), fault.Invalid},
		"a repository twice":  {b.AddRepo(miniforge.NewRepo{Name: repo}), fault.Conflict},
		"an ownerless one":    {b.AddRepo(miniforge.NewRepo{Name: "orders"}), fault.Invalid},
		"an unknown author":   {errOf(b.Push(repo, "main", miniforge.Commit{Author: "nobody"})), fault.Invalid},
		"an unknown role":     {b.SetPermission(repo, "bob", "king"), fault.Invalid},
		"a team without org":  {b.AddTeam("dba"), fault.Invalid},
		"an empty request":    {errOf(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "main", Author: "ann"})), fault.Invalid},
		"an unknown branch":   {errOf(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "nope", Author: "ann"})), fault.NotFound},
		"an unknown PR":       {errOf(b.CommentAs(repo, 99, "bob", "x")), fault.NotFound},
		"a long comment":      {errOf(b.CommentAs(repo, n, "bob", strings.Repeat("x", miniforge.MaxComment+1))), fault.Invalid},
		"reopening open":      {b.ReopenPR(repo, n, "ann"), fault.Conflict},
		"a check of nothing":  {b.Rerequest(repo, 1, "ann"), fault.NotFound},
		"an unknown method":   {errOf(b.Merge(repo, n, miniforge.MergeOptions{By: "bob", Method: "octopus"})), fault.Invalid},
		"the default branch":  {b.DeleteBranch(repo, "main", "ann"), fault.Invalid},
		"not installed":       {b.Uninstall("nobody"), fault.NotFound},
		"an open address":     {b.Serve("192.0.2.1:80"), fault.Invalid},
		"an unknown fork":     {errOf(b.OpenPR(miniforge.NewPR{Repo: repo, Head: "bob:x", Author: "bob"})), fault.NotFound},
		"a suggestion of nil": {errOf(b.CommitSuggestion(repo, n, 5, "bob")), fault.NotFound},
	} {
		if got := fault.CodeOf(tc.err); got != tc.want {
			t.Errorf("%s: %q (%v), want %q", name, got, tc.err, tc.want)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// Close leaves nothing running.
func TestCloseStopsEverything(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := newReceiver(t, "x")
	f := miniforge.New(miniforge.Options{WebhookURL: r.URL, WebhookSecret: "x"})
	must(t, f.Serve("127.0.0.1:0"))
	must(t, f.AddRepo(miniforge.NewRepo{Name: repo}))
	got[string](t)(f.Push(repo, "x", miniforge.Commit{Author: "acme", Message: "x", Files: map[string]string{"x": "x"}}))
	must(t, f.Settled(t.Context()))
	must(t, f.Close())
	r.Close()
}
