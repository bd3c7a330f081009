package github_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

func TestAnswersOvertakeOtherWrites(t *testing.T) {
	const waiting = 10
	first := make(chan struct{})
	once := sync.OnceFunc(func() { close(first) })
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		once()
		answer(w, http.StatusCreated, `{"id":5}`)
	})
	p := f.provider(t, func(o *github.Options) { o.WriteRate, o.WriteBurst = 20, 5 })
	var edits sync.WaitGroup
	for range waiting {
		edits.Go(func() {
			if _, err := p.PutSticky(t.Context(), orders, 1, providers.Sticky{ID: 5, Marker: "<!-- m -->", Body: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	<-first
	if err := p.React(t.Context(), orders, 5, providers.Seen); err != nil {
		t.Fatal(err)
	}
	place := slices.IndexFunc(f.calls(), func(call string) bool { return strings.HasSuffix(call, "/reactions") })
	if place > 5 {
		t.Errorf("the reaction came after %d of %d edits", place, waiting)
	}
	edits.Wait()
	if n := len(f.calls()); n != waiting+1 {
		t.Errorf("%d calls, want %d", n, waiting+1)
	}
}
