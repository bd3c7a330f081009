package providertest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/shipsql/shipsql/providers"
)

// missed asks for what was missed since a time.
func (st *stage) missed(since time.Time) []providers.MissedDelivery {
	st.Helper()
	list, err := st.p.Missed(st.Context(), since)
	st.must(err)
	return list
}

// say lets bob comment while our receiver answers with a status.
func (st *stage) say(n, status int, body string) {
	st.Helper()
	st.s.Receive(status)
	st.s.Comment(repository, n, "bob", body)
	st.s.Settle()
}

// sent is the newest delivery's event, as it would have been received.
func (st *stage) sent() providers.Event {
	st.Helper()
	all := st.s.Deliveries()
	e, err := st.p.ParseWebhook(all[len(all)-1].Header, all[len(all)-1].Body)
	st.must(err)
	return e
}

func missedDeliveries(st *stage) {
	start := st.s.Now()
	st.s.Receive(http.StatusOK)
	n := st.open()
	st.say(n, http.StatusOK, "heard")
	st.say(n, http.StatusBadGateway, "refused")
	refused := st.sent()
	st.s.Pass(time.Second)
	st.say(n, 0, "nobody listens")
	unheard := st.sent()
	st.equal("missed, while it may be under way", len(st.missed(start)), 0)

	st.s.Pass(2 * providers.UnderWay)
	list := st.missed(start)
	if len(list) != 2 {
		st.Fatalf("missed %+v, want two", list)
	}
	st.equal("oldest first", []string{list[0].GUID, list[1].GUID}, []string{refused.Delivery, unheard.Delivery})
	st.equal("the answers", []int{list[0].Status, list[1].Status}, []int{http.StatusBadGateway, 0})
	st.equal("what it is about", list[0].Event+" "+list[0].Action, "issue_comment created")
	for i, want := range []providers.Event{refused, unheard} {
		got, err := st.p.MissedEvent(st.Context(), list[i])
		st.must(err)
		st.equal("the event", got, want)
	}
	st.equal("since the first", len(st.missed(list[0].At.Add(time.Second))), 1)

	st.must(st.p.Redeliver(st.Context(), list[0])) // nobody listens still
	st.s.Settle()
	st.s.Pass(2 * providers.UnderWay)
	again := st.missed(start)
	st.equal("after a redelivery that failed", []any{len(again), again[0].GUID, again[0].At}, []any{2, list[0].GUID, list[0].At})
	st.s.Receive(http.StatusNoContent)
	st.must(st.p.Redeliver(st.Context(), again[0]))
	st.s.Settle()
	left := st.missed(start)
	st.equal("after one that was heard", []any{len(left), left[0].GUID}, []any{1, unheard.Delivery})

	st.s.Pass(3*24*time.Hour + time.Hour)
	st.equal("when the forge has forgotten", len(st.missed(start)), 0)
	if _, err := st.p.MissedEvent(st.Context(), left[0]); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("a forgotten delivery: %v, want ErrNotFound", err)
	}
	if err := st.p.Redeliver(st.Context(), left[0]); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("a redelivery of a forgotten one: %v, want ErrNotFound", err)
	}
}

// manyMissed needs more pages than one, and stops at the time it is asked for.
func manyMissed(st *stage) {
	n := st.open()
	st.s.Receive(0)
	const missed = 230
	for i := range missed {
		st.s.Comment(repository, n, "bob", fmt.Sprint("comment ", i))
	}
	st.s.Settle()
	st.s.Pass(time.Hour)
	st.say(n, http.StatusOK, "heard")
	since := st.s.Now().Add(-time.Minute)
	before := len(st.s.Requests())
	st.equal("since a minute", len(st.missed(since)), 0)
	st.equal("calls for that", len(st.s.Requests())-before, 1)
	list := st.missed(since.Add(-2 * time.Hour))
	ours := count(list, func(m providers.MissedDelivery) bool { return m.Event == "issue_comment" })
	st.equal("missed comments", ours, missed)
	for i := range list[1:] {
		if list[i+1].ID < list[i].ID {
			st.Fatalf("not oldest first: %+v before %+v", list[i], list[i+1])
		}
	}
}
