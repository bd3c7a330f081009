package miniforge_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/contract"
)

// Every event of a repository's and an installation's life has the shape that
// GitHub's own description gives it, and goes to who has the App at that time.
func TestWebhooksOfALife(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	must(t, b.AddRepo(miniforge.NewRepo{Name: "umbrella/other", Author: "ann"}))
	before := len(b.Deliveries())
	must(t, b.Rename(repo, "sales", "ann"))
	must(t, b.Archive("acme/sales", "ann"))
	must(t, b.Unarchive("acme/sales", "ann"))
	must(t, b.SetPrivate("acme/sales", true, "ann"))
	must(t, b.SetPrivate("acme/sales", false, "ann"))
	must(t, b.RemoveFromInstallation("acme/sales"))
	got[string](t)(b.Push("acme/sales", "main", miniforge.Commit{Author: "ann", Message: "Unseen", Files: map[string]string{"x": "y"}}))
	must(t, b.AddToInstallation("acme/sales"))
	must(t, b.Transfer("acme/sales", "umbrella", "ann"))
	must(t, b.Transfer("umbrella/sales", "bob", "ann"))
	must(t, b.Transfer("bob/sales", "acme", "ann"))
	must(t, b.Suspend("acme"))
	got[string](t)(b.Push("acme/sales", "main", miniforge.Commit{Author: "ann", Message: "Unheard", Files: map[string]string{"x": "z"}}))
	must(t, b.Unsuspend("acme"))
	b.Ask("statuses", "read")
	must(t, b.AcceptPermissions("acme"))
	must(t, b.DeleteRepo("acme/sales", "ann"))
	all := b.Deliveries()[before:]
	want := []string{
		"repository.renamed", "repository.archived", "repository.unarchived", "repository.privatized", "repository.publicized",
		"installation_repositories.removed", "installation_repositories.added",
		"installation_repositories.removed", "installation_repositories.added", "repository.transferred", // to umbrella
		"installation_repositories.removed",                         // to bob, who hasn't the App
		"installation_repositories.added", "repository.transferred", // back to acme
		"installation.suspend", "installation.unsuspend", "installation.new_permissions_accepted", "repository.deleted",
	}
	if diff := cmp.Diff(want, names(all)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, d := range all {
		if err := contract.Webhook(d.Event, d.Action, d.Payload); err != nil {
			t.Errorf("%.1500s", err)
		}
	}
	if err := b.Rename("acme/sales", "x", "ann"); err == nil {
		t.Error("a deleted repository was renamed")
	}
}

// A former name redirects as GitHub does it, until another repository has it.
func TestAFormerNameRedirects(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	must(t, b.Rename(repo, "sales", "ann"))
	found, answer, err := b.in.Repositories.Get(t.Context(), "acme", "orders")
	must(t, err)
	if found.GetFullName() != "acme/sales" || !strings.Contains(answer.Request.URL.Path, "/repositories/"+itoa(found.GetID())) {
		t.Errorf("%s at %s", found.GetFullName(), answer.Request.URL)
	}
	pr, _, err := b.in.PullRequests.Get(t.Context(), "acme", "orders", n)
	must(t, err)
	if pr.GetNumber() != n || pr.GetBase().GetRepo().GetFullName() != "acme/sales" {
		t.Errorf("pull request %d of %s", pr.GetNumber(), pr.GetBase().GetRepo().GetFullName())
	}
	text := "hello"
	_, answer, err = b.in.Issues.CreateComment(t.Context(), "acme", "orders", n, &github.IssueComment{Body: &text})
	must(t, err) // the client follows a 307 as a POST
	if shown, _ := b.PR("acme/sales", n); len(shown.Comments) != 1 || answer.StatusCode != http.StatusCreated {
		t.Errorf("%d comments, status %d", len(shown.Comments), answer.StatusCode)
	}
	if err := b.Rename("acme/sales", "Sales", "ann"); err == nil {
		t.Error("it took its own name")
	}

	must(t, b.AddRepo(miniforge.NewRepo{Name: repo, Author: "ann"}))
	other, _, err := b.in.Repositories.Get(t.Context(), "acme", "orders")
	must(t, err)
	if other.GetID() == found.GetID() || other.GetFullName() != repo {
		t.Errorf("the taken name leads to %s", other.GetFullName())
	}
	_, answer, err = b.in.Repositories.GetByID(t.Context(), 999_999)
	if status(err) != http.StatusNotFound {
		t.Errorf("a number of nobody: %v, %v", answer, err)
	}
}

func TestSuspendedGetsNothing(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	list, _, err := b.app.Apps.ListInstallations(t.Context(), nil)
	must(t, err)
	_, _, use := b.in.Repositories.Get(t.Context(), "acme", "orders") // makes the token
	must(t, use)
	must(t, b.Suspend("acme"))
	_, _, use = b.in.Repositories.Get(t.Context(), "acme", "orders")
	_, _, fresh := b.app.Apps.CreateInstallationToken(t.Context(), list[0].GetID(), nil)
	for what, err := range map[string]error{"use a token": use, "make a token": fresh} {
		if status(err) != http.StatusForbidden || !strings.Contains(err.Error(), "This installation has been suspended") {
			t.Errorf("%s: %v", what, err)
		}
	}
	in, _, err := b.app.Apps.GetInstallation(t.Context(), list[0].GetID())
	must(t, err)
	if in.SuspendedAt == nil || in.GetSuspendedBy().GetLogin() != "acme" {
		t.Errorf("suspended %v by %s", in.SuspendedAt, in.GetSuspendedBy().GetLogin())
	}
}

func TestDeliveriesAreForgotten(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	b.openPR()
	settle(t, b)
	list := func() []*github.HookDelivery {
		return got[[]*github.HookDelivery](t)(func() ([]*github.HookDelivery, error) {
			l, _, err := b.app.Apps.ListHookDeliveries(t.Context(), nil)
			return l, err
		}())
	}
	known := list()
	if len(known) == 0 || known[0].GetStatus() != "failed to connect to host" {
		t.Fatalf("deliveries %v", known)
	}
	b.clock.Advance(72 * time.Hour)
	if len(list()) != len(known) {
		t.Error("some are forgotten on the third day")
	}
	b.clock.Advance(time.Second)
	if len(list()) != 0 {
		t.Error("some are kept for longer")
	}
	if _, _, err := b.app.Apps.GetHookDelivery(t.Context(), known[0].GetID()); status(err) != http.StatusNotFound {
		t.Errorf("a forgotten one: %v", err)
	}
}

// Each kind does to one request what its name says.
func TestKindsOfFaults(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	comments := func() int { return len(b.pr(n).Comments) }
	write := func() error {
		text := "hello"
		_, _, err := b.in.Issues.CreateComment(t.Context(), "acme", "orders", n, &github.IssueComment{Body: &text})
		return err
	}
	must(t, write())
	statuses := map[miniforge.Kind]int{
		miniforge.ExpiredToken: 401, miniforge.SecondaryLimit: 403, miniforge.TooMany: 429,
		miniforge.PrimaryLimit: 0, // the client makes an error of its own of it
		miniforge.ServerError:  500, miniforge.BadGateway: 502, miniforge.Unavailable: 503, miniforge.GatewayAfter: 502,
		miniforge.SlowBody: 200, miniforge.CutBefore: 0, miniforge.CutAfter: 0, miniforge.CutHalfway: 0,
	}
	accepted := []miniforge.Kind{miniforge.SlowBody, miniforge.CutAfter, miniforge.CutHalfway, miniforge.GatewayAfter}
	for _, kind := range miniforge.Kinds {
		before := comments()
		mend := b.Fail(miniforge.Match{Method: http.MethodPost, Path: "repos/*/*/issues/*/comments"}, kind.Fault())
		err := write()
		mend()
		if got := status(err); got != statuses[kind] || (err == nil) != (kind == miniforge.SlowBody) {
			t.Errorf("%s: status %d, %v", kind, got, err)
		}
		if _, used := errors.AsType[*github.RateLimitError](err); used != (kind == miniforge.PrimaryLimit) {
			t.Errorf("%s: %v", kind, err)
		}
		if done := comments() > before; done != slices.Contains(accepted, kind) {
			t.Errorf("%s: the comment was made: %t", kind, done)
		}
		_, b.in = clients(t, b.Forge) // without the client's own memory of limits and tokens
	}
}

// The same seed brings the same faults, at about the rate asked for, until Calm.
func TestStorm(t *testing.T) {
	storm := func(seed uint64) (string, map[miniforge.Kind]int) {
		f := miniforge.New(miniforge.Options{})
		t.Cleanup(func() { _ = f.Close() })
		must(t, f.Serve("127.0.0.1:0"))
		f.Storm(seed, 0.3, miniforge.ServerError, miniforge.BadGateway, miniforge.CutBefore)
		var log strings.Builder
		ask := func() {
			answer, err := http.Get(f.URL() + "/app")
			if err != nil {
				log.WriteString(" cut")
				return
			}
			_, _ = io.Copy(&log, strings.NewReader(" "+answer.Status[:3]))
			_ = answer.Body.Close()
		}
		for range 200 {
			ask()
		}
		struck := f.Calm()
		log.WriteString(" |")
		for range 20 {
			ask()
		}
		return log.String(), struck
	}
	one, struck := storm(1)
	again, _ := storm(1)
	other, _ := storm(2)
	if one != again || one == other {
		t.Errorf("seed 1:\n%s\nagain:\n%s\nseed 2:\n%s", one, again, other)
	}
	faults, calm, _ := strings.Cut(one, " |")
	total := 0
	for kind, n := range struck {
		total += n
		if n < 5 {
			t.Errorf("%s struck %d times", kind, n)
		}
	}
	if total < 30 || total > 90 || strings.Count(faults, "401") != 200-total || calm != strings.Repeat(" 401", 20) {
		t.Errorf("%d faults of 200: %v\n%s", total, struck, one)
	}
}
