package miniforge_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// talkative comments n times and returns the deliveries of that.
func (b *bench) talkative(pr, n int) []miniforge.Delivery {
	b.t.Helper()
	before := len(b.Deliveries())
	for range n {
		got[int64](b.t)(b.CommentAs(repo, pr, "bob", "hello"))
	}
	return b.Deliveries()[before:]
}

func TestDeliveriesLateTwiceAndOutOfOrder(t *testing.T) {
	r := newReceiver(t, "hush")
	b := newBench(t, miniforge.Options{WebhookURL: r.URL, WebhookSecret: "hush"})
	n := b.openPR()
	settle(t, b)
	before, _ := r.arrived()
	b.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Hold })
	held := b.talkative(n, 3)
	b.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Drop })
	lost := b.talkative(n, 1)[0]
	b.OnDelivery(func(miniforge.Delivery) miniforge.Disposition { return miniforge.Lose })
	failed := b.talkative(n, 1)[0]
	b.OnDelivery(nil)
	list, _, err := b.app.Apps.ListHookDeliveries(t.Context(), nil)
	must(t, err)
	if list[0].GetGUID() != failed.GUID || list[0].GetStatusCode() != 0 || failed.State != miniforge.Sent || failed.Attempts != 1 {
		t.Errorf("lost: %+v, the list says %v", failed, list[0])
	}
	if held[0].State != miniforge.Held || lost.State != miniforge.Dropped {
		t.Fatalf("states %s and %s", held[0].State, lost.State)
	}
	must(t, b.Release(held[2].GUID, held[0].GUID))
	must(t, b.Release())
	must(t, b.Redeliver(held[0].GUID))
	must(t, b.Redeliver(lost.GUID))
	settle(t, b)

	arrived, err := r.arrived()
	must(t, err)
	want := slices.Concat(before, []string{held[2].GUID, held[0].GUID, held[1].GUID, held[0].GUID, lost.GUID})
	if diff := cmp.Diff(want, arrived); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
	if err := b.Redeliver("nonsense"); err == nil {
		t.Error("an unknown GUID was redelivered")
	}
}

// A failed delivery is not retried; the App finds it in its delivery list and
// asks for it again.
func TestFailedDeliveryThroughTheAPI(t *testing.T) {
	r := newReceiver(t, "hush")
	b := newBench(t, miniforge.Options{WebhookURL: r.URL, WebhookSecret: "hush"})
	n := b.openPR()
	settle(t, b)
	r.mu.Lock()
	r.status = http.StatusBadGateway
	r.mu.Unlock()
	failed := b.talkative(n, 1)[0]
	settle(t, b)
	r.mu.Lock()
	r.status = http.StatusOK
	r.mu.Unlock()

	list, answer, err := b.app.Apps.ListHookDeliveries(t.Context(), &github.ListCursorOptions{PerPage: 2})
	must(t, err)
	if len(list) != 2 || list[0].GetGUID() != failed.GUID || list[0].GetStatusCode() != http.StatusBadGateway || answer.Cursor == "" {
		t.Fatalf("deliveries %v, cursor %q", list, answer.Cursor)
	}
	older, _, err := b.app.Apps.ListHookDeliveries(t.Context(), &github.ListCursorOptions{Cursor: answer.Cursor})
	must(t, err)
	if len(older) == 0 || slices.ContainsFunc(older, func(d *github.HookDelivery) bool { return d.GetID() >= list[1].GetID() }) {
		t.Errorf("the next page is %v", older)
	}
	one, _, err := b.app.Apps.GetHookDelivery(t.Context(), list[0].GetID())
	must(t, err)
	if string(one.Request.GetRawPayload()) == "" {
		t.Error("the delivery has no payload")
	}
	_, _, err = b.app.Apps.RedeliverHookDelivery(t.Context(), list[0].GetID())
	if _, accepted := errors.AsType[*github.AcceptedError](err); err != nil && !accepted {
		t.Fatal(err)
	}
	settle(t, b)
	again := b.Deliveries()[len(b.Deliveries())-1]
	if again.GUID != failed.GUID || again.Attempts != 2 || again.Status != http.StatusOK {
		t.Errorf("after the redelivery: %d attempts, status %d", again.Attempts, again.Status)
	}
}

func TestDeliveryThatNobodyTakes(t *testing.T) {
	b := newBench(t, miniforge.Options{WebhookURL: "http://127.0.0.1:1/"})
	b.openPR()
	settle(t, b)
	for _, d := range b.Deliveries() {
		if d.State != miniforge.Sent || d.Status != 0 || d.Err == "" {
			t.Errorf("%s: %s, status %d, %q", d.Event, d.State, d.Status, d.Err)
		}
	}
	b.SetWebhookURL("")
	must(t, b.Redeliver(b.Deliveries()[0].GUID))
	settle(t, b)
	if d := b.Deliveries()[0]; d.Attempts != 2 || d.Err != "the App has no webhook URL" {
		t.Errorf("without a URL: %d attempts, %q", d.Attempts, d.Err)
	}
}
