package bot_test

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/miniforge"
)

func TestADeliveryIsIgnoredOnlyWhenItIsDone(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	event := providers.Event{Kind: providers.Pushed, Delivery: "one", Branch: "main", Repo: providers.Repo{Provider: "github.com", Owner: "acme", Name: "orders"}}
	receive := func(provider, guid string, e providers.Event) bot.Outcome {
		t.Helper()
		outcome, err := w.Bot.Receive(t.Context(), bot.Delivery{Provider: provider, GUID: guid, Event: e})
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		return outcome
	}
	equal(t, "first", receive("github.com", "one", event), bot.Accepted)
	equal(t, "again", receive("github.com", "one", event), bot.Duplicate)
	equal(t, "the same id of another forge", receive("ghe", "one", event), bot.Ignored)
	equal(t, "nothing for us", receive("github.com", "two", providers.Event{Kind: providers.Ignored, Note: "a star"}), bot.Ignored)
	equal(t, "nothing for us, again", receive("github.com", "two", providers.Event{Kind: providers.Ignored, Note: "a star"}), bot.Duplicate)
	seen, err := w.Bot.Deliveries(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "records", seen, []bot.Seen{
		{GUID: "two", Kind: "ignored", State: "done", Note: "a star"},
		{GUID: "one", Kind: "push", State: "done", Note: "no project is bound to ghe/acme/orders"},
		{GUID: "one", Kind: "push", State: "done", Note: "sync-branch of main"},
	})
}

// A push and a pull request's change need no job that asks which jobs follow.
func TestWhatTheStoreCanDecideTakesNoJobOfItsOwn(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	repo := providers.Repo{Provider: "github.com", Owner: "acme", Name: "orders"}
	events := []providers.Event{
		{Kind: providers.Pushed, Branch: "main", HeadSHA: "c1", Repo: repo, Sender: providers.Person{Login: "zoe"}},
		{Kind: providers.PullRequestChanged, Action: "synchronize", PullRequest: 7, Repo: repo, Sender: providers.Person{Login: "ann"}},
	}
	var all sync.WaitGroup
	for n := range 40 { // more than share one transaction
		all.Go(func() {
			d := bot.Delivery{Provider: "github.com", GUID: strconv.Itoa(n / 2), Event: events[n/2%2]}
			if _, err := w.Bot.Receive(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	equal(t, "jobs of deliveries", number(t, w, "SELECT count(*) FROM queue_jobs WHERE kind = 'delivery'"), 0)
	equal(t, "deliveries done", number(t, w, "SELECT count(*) FROM bot_deliveries WHERE state = 'done'"), 20)
	equal(t, "pushes remembered", number(t, w, "SELECT count(*) FROM bot_pushers"), 2)
	equal(t, "branches to walk", number(t, w, "SELECT count(DISTINCT key) FROM queue_jobs WHERE kind = 'sync-branch'"), 1)
	equal(t, "pull requests to review", number(t, w, "SELECT count(DISTINCT key) FROM queue_jobs WHERE kind = 'review' AND key LIKE '%#7'"), 1)
}

func number(t *testing.T, w *bottest.World, query string) (n int) {
	t.Helper()
	if err := w.Store.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestARedeliveryOfAnUnfinishedOneIsWorkedOffOnce(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	back := w.Forge.Fail(miniforge.Match{Method: "GET", Path: "repos/*/*/issues/comments/*"}, miniforge.Fault{Status: 502})
	if _, err := w.Forge.CommentAs(bottest.Repo, n, bottest.Approver, "/approve prod"); err != nil {
		t.Fatal(err)
	}
	if err := w.Forge.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	deliveries := w.Forge.Deliveries()
	guid := deliveries[len(deliveries)-1].GUID
	for range 2 {
		if err := w.Forge.Redeliver(guid); err != nil {
			t.Fatal(err)
		}
	}
	back()
	w.Await(n, "test done, prod done")
	if err := w.Forge.Redeliver(guid); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "replies", w.Replies(n), nil)
	contains(t, "sticky", w.Sticky(n), "bob: approve release 1")
}

func TestDeliveriesInAnyOrderEndAlike(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	w.Forge.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Hold })
	n := w.Open("users", map[string]string{users: usersSQL})
	if _, err := w.Forge.Merge(bottest.Repo, n, miniforge.MergeOptions{By: bottest.Approver}); err != nil {
		t.Fatal(err)
	}
	var guids []string
	for _, d := range w.Forge.Deliveries() {
		if d.State == miniforge.Held {
			guids = append([]string{d.GUID}, guids...)
		}
	}
	w.Forge.OnDelivery(nil)
	if err := w.Forge.Release(guids...); err != nil {
		t.Fatal(err)
	}
	w.Await(n, "test done, prod waiting")
	w.AwaitSticky(n, "waiting for approval of prod")
}

func TestLostWebhooksAreMadeUpFor(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	w.Forge.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Drop })
	n := w.Open("users", map[string]string{users: usersSQL})
	equal(t, "nothing was heard", w.Check(n), "")
	w.Reconcile()
	equal(t, "check", w.Check(n), "success: ready to merge: 1 migration, 1 statement")
	w.Merge(n)
	equal(t, "nothing was heard of the merge", w.Stages(n), "")
	w.Reconcile()
	w.Await(n, "test done, prod waiting")
	w.AwaitSticky(n, "waiting for approval of prod")
	other := w.Open("other", map[string]string{"migrations/20260102_x.sql": "CREATE TABLE x (id bigint PRIMARY KEY);\n"})
	w.Reconcile()
	if err := w.Forge.ClosePR(bottest.Repo, other, bottest.Author); err != nil {
		t.Fatal(err)
	}
	w.Reconcile()
	w.AwaitSticky(other, "closed without a merge")
}

func TestNothingOfAPayloadIsStored(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	const private = "my phone number is 555-0199"
	w.Say(n, bottest.Writer, private)
	var stored int
	err := w.Store.QueryRow(t.Context(), `SELECT count(*) FROM bot_deliveries WHERE event LIKE '%555-0199%' OR note LIKE '%555-0199%'`).Scan(&stored)
	if err != nil || stored != 0 {
		t.Errorf("%d deliveries hold the comment's text: %v", stored, err)
	}
}

func TestTheAppGoesAndComesBack(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	if err := w.Forge.Uninstall("acme"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Reconcile()
	if err := w.Forge.Install("acme"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "check", w.Check(n), "success: ready to merge: 1 migration, 1 statement")
	seen, err := w.Bot.Deliveries(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seen {
		if s.State != "done" {
			t.Errorf("delivery %+v", s)
		}
	}
	equal(t, "installation events", strings.Contains(joined(seen), "the installation: created"), true)
}

func joined(seen []bot.Seen) string {
	var notes []string
	for _, s := range seen {
		notes = append(notes, s.Note)
	}
	return strings.Join(notes, "\n")
}

// Deliveries that come together are stored together; one that can't be stored
// (its id is longer than PostgreSQL's index takes) leaves the others alone.
func TestADeliveryThatCanNotBeStoredFailsAlone(t *testing.T) {
	t.Setenv("SHIPSQL_TEST_STORE", "postgres")
	w := bottest.New(t, bottest.Options{})
	bad := rand.Text() // incompressible
	for len(bad) < 10_000 {
		bad += rand.Text()
	}
	const many = 60
	var all sync.WaitGroup
	for n := range many {
		guid := fmt.Sprint("good-", n)
		if n%20 == 10 {
			guid = bad + guid
		}
		all.Go(func() {
			outcome, err := w.Bot.Receive(t.Context(), bot.Delivery{Provider: "github.com", GUID: guid, Event: providers.Event{Kind: providers.Ignored}})
			if good := strings.HasPrefix(guid, "good-"); good != (err == nil) || good && outcome != bot.Ignored {
				t.Errorf("%.8s: %s, %v", guid, outcome, err)
			}
		})
	}
	all.Wait()
	var stored int
	err := w.Store.QueryRow(t.Context(), `SELECT count(*) FROM bot_deliveries WHERE guid LIKE 'good-%' AND state = 'done'`).Scan(&stored)
	if err != nil || stored != many-3 {
		t.Errorf("%d are stored, want %d: %v", stored, many-3, err)
	}
}
