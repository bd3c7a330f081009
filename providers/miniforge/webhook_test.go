package miniforge_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
)

// receiver is an App's webhook endpoint.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // guids in order of arrival
	errs   []error
	status int
}

func newReceiver(t *testing.T, secret string) *receiver {
	r := &receiver{status: http.StatusAccepted}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := github.ValidatePayload(req, []byte(secret))
		if err == nil {
			_, err = github.ParseWebHook(github.WebHookType(req), body)
		}
		_, _ = io.Copy(io.Discard, req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.errs = append(r.got, github.DeliveryID(req)), append(r.errs, err)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) arrived() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got), errors.Join(r.errs...)
}

func settle(t *testing.T, b *bench) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, b.Settled(ctx))
}

// names are "event.action" of the deliveries from the nth on.
func names(all []miniforge.Delivery) []string {
	var list []string
	for _, d := range all {
		list = append(list, strings.TrimSuffix(d.Event+"."+d.Action, "."))
	}
	return list
}

// Every kind of event is signed, parses, is in order, and has the shape that
// GitHub's own description gives it.
func TestWebhooksOfEveryKind(t *testing.T) {
	r := newReceiver(t, "hush")
	b := newBench(t, miniforge.Options{WebhookURL: r.URL, WebhookSecret: "hush"})
	must(t, b.Protect(repo, "main", "sql-review"))
	n := b.openPR()
	check := b.check(n, "failure")
	id := got[int64](t)(b.CommentAs(repo, n, "bob", "/shipsql help"))
	must(t, b.EditComment(repo, id, "bob", "/shipsql status"))
	must(t, b.DeleteComment(repo, id, "bob"))
	must(t, b.RequestAction(repo, check.GetID(), "rerun", "bob"))
	must(t, b.Rerequest(repo, check.GetID(), "bob"))
	must(t, b.RerequestSuite(repo, b.pr(n).Head.SHA, "bob"))
	title, base := "Add b, better", "release"
	got[string](t)(b.Push(repo, base))
	must(t, b.EditPR(repo, n, miniforge.Edit{By: "ann", Title: &title, Base: &base}))
	must(t, b.ClosePR(repo, n, "ann"))
	must(t, b.ReopenPR(repo, n, "ann"))
	got[string](t)(b.PushTo(repo, n, miniforge.Commit{Author: "ann", Message: "More", Files: map[string]string{second: "SELECT 2;\n"}}))
	got[string](t)(b.Merge(repo, n, miniforge.MergeOptions{By: "bob", Method: miniforge.Rebase}))
	must(t, b.Uninstall("acme"))
	must(t, b.Install("acme"))
	settle(t, b)

	want := []string{
		"push", "check_suite.requested", "pull_request.opened", "check_run.created", "check_run.completed",
		"issue_comment.created", "issue_comment.edited", "issue_comment.deleted",
		"check_run.requested_action", "check_run.rerequested", "check_suite.rerequested",
		"push", "check_suite.requested", "pull_request.edited", "pull_request.closed", "pull_request.reopened",
		"push", "check_suite.requested", "pull_request.synchronize",
		"pull_request.closed", "push", "check_suite.requested", "installation.deleted", "installation.created",
	}
	all := b.Deliveries()
	if diff := cmp.Diff(want, names(all)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var guids []string
	for _, d := range all {
		guids = append(guids, d.GUID)
		if d.State != miniforge.Sent || d.Status != http.StatusAccepted || d.Attempts != 1 {
			t.Errorf("%s.%s: %s, status %d, attempts %d", d.Event, d.Action, d.State, d.Status, d.Attempts)
		}
		if err := contract.Webhook(d.Event, d.Action, d.Payload); err != nil {
			t.Errorf("%.1500s", err)
		}
	}
	arrived, err := r.arrived()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(guids, arrived); diff != "" {
		t.Errorf("order of arrival (-want +got):\n%s", diff)
	}
}
