package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// attempt is one row of the app's delivery list, made so long ago.
func attempt(id int, guid string, status int, ago time.Duration) string {
	return fmt.Sprintf(`{"id":%d,"guid":%q,"delivered_at":%q,"redelivery":false,"status_code":%d,"event":"push","action":null}`,
		id, guid, time.Now().Add(-ago).UTC().Format(time.RFC3339), status)
}

func TestOneAttemptThatWasHeardIsEnough(t *testing.T) {
	hours := func(n int) time.Duration { return time.Duration(n) * time.Hour }
	rows := strings.Join([]string{
		attempt(9, "again just now", 0, time.Second),
		attempt(8, "never", 502, hours(1)),
		attempt(7, "at last", 204, hours(2)),
		attempt(6, "at first", 404, hours(2)),
		attempt(5, "redirected", 302, hours(3)),
		attempt(4, "never", 0, hours(4)),
		attempt(3, "at last", 500, hours(4)),
		attempt(2, "at first", 200, hours(5)),
		attempt(1, "again just now", 0, hours(5)),
		attempt(0, "too long ago", 0, hours(7)),
	}, ",")
	p := newFake(t, always(http.StatusOK, "["+rows+"]")).provider(t)
	got, err := p.Missed(t.Context(), time.Now().Add(-hours(6)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].At = time.Time{}
	}
	want := []providers.MissedDelivery{
		{ID: 8, GUID: "never", Event: "push", Status: 502},
		{ID: 5, GUID: "redirected", Event: "push", Status: 302},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A list without an end ends for us; its pages are large here to save time.
func TestTooManyDeliveries(t *testing.T) {
	row := attempt(1, "x", 0, time.Hour)
	page := "[" + strings.Repeat(row+",", 9_999) + row + "]"
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		cursor, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?cursor=%d>; rel="next"`, r.Host, r.URL.Path, cursor+1))
		answer(w, http.StatusOK, page)
	})
	_, err := f.provider(t).Missed(t.Context(), time.Time{})
	if !errors.Is(err, providers.ErrTooMany) || len(f.calls()) != 11 {
		t.Errorf("%v after %d calls, want ErrTooMany after 11", err, len(f.calls()))
	}
}

func TestAMissedPayloadThatIsUnreadable(t *testing.T) {
	for name, payload := range map[string]string{"none": "null", "a text": `"x"`, "a list": `[1]`} {
		f := newFake(t, always(http.StatusOK, `{"guid":"g","event":"push","request":{"headers":null,"payload":`+payload+`}}`))
		e, err := f.provider(t).MissedEvent(t.Context(), providers.MissedDelivery{ID: 5, GUID: "g"})
		if err != nil || e.Kind != providers.Ignored || e.Note == "" || e.Delivery != "g" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestTheAppsOwnCallsHaveTheirOwnLimit(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/app/hook/") {
			w.Header().Set("Retry-After", "60")
			answer(w, http.StatusTooManyRequests, `{"message":"slow down"}`)
			return
		}
		answer(w, http.StatusOK, `{"number":1}`)
	})
	p := f.provider(t)
	read := func() error { _, err := p.PullRequest(t.Context(), orders, 1); return err }
	if err := read(); err != nil { // whose installation is known from now on
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Missed(t.Context(), time.Now()); fault.CodeOf(err) != fault.Unreachable {
			t.Errorf("%v, want unreachable", err)
		}
	}
	if err := read(); err != nil {
		t.Errorf("an installation's call: %v", err)
	}
	if len(f.calls()) != 3 {
		t.Errorf("calls %v, want one for the deliveries and two for the pull request", f.calls())
	}
}
