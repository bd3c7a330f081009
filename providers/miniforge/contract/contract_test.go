package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/providers/miniforge/contract"
	"github.com/shipsql/shipsql/providers/miniforge/webhookexamples"
)

const reaction = `{"id":1,"node_id":"x","user":null,"content":"eyes","created_at":"2026-11-20T12:00:00Z"}`

// exchange is one request and what the fake answered.
type exchange struct {
	method, path, body string
	status             int
	answer             string
}

func (e exchange) check() error {
	r := httptest.NewRequest(e.method, "http://127.0.0.1"+e.path, strings.NewReader(e.body))
	r.Header.Set("Content-Type", "application/json")
	answer := &http.Response{
		StatusCode: e.status, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body: io.NopCloser(strings.NewReader(e.answer)),
	}
	return contract.Check(r, []byte(e.body), answer)
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	react := exchange{http.MethodPost, "/repos/acme/orders/issues/comments/5/reactions", `{"content":"eyes"}`, 201, reaction}
	with := func(change func(*exchange)) exchange {
		e := react
		change(&e)
		return e
	}
	for name, tc := range map[string]struct {
		exchange
		want string // part of the error, "" for none
	}{
		"right":              {react, ""},
		"Enterprise's root":  {with(func(e *exchange) { e.path = "/api/v3" + e.path }), ""},
		"unknown route":      {with(func(e *exchange) { e.path = "/repos/acme/orders/teapots" }), "go run ./scripts/openapi-subset"},
		"unknown method":     {with(func(e *exchange) { e.method = http.MethodPut }), "routes.txt"},
		"our wrong value":    {with(func(e *exchange) { e.body = `{"content":"shrug"}` }), "the request"},
		"our missing field":  {with(func(e *exchange) { e.body = `{}` }), "the request"},
		"our wrong number":   {with(func(e *exchange) { e.path = "/repos/acme/orders/issues/comments/five/reactions" }), "the request"},
		"its missing field":  {with(func(e *exchange) { e.answer = `{"id":1}` }), "the answer"},
		"its wrong type":     {with(func(e *exchange) { e.answer = strings.Replace(reaction, `"id":1`, `"id":"1"`, 1) }), "the answer"},
		"its unknown status": {with(func(e *exchange) { e.status = 202 }), "the answer"},
		"its strange error":  {with(func(e *exchange) { e.status, e.answer = 401, `[]` }), "the answer"},
		"a proper error":     {with(func(e *exchange) { e.status, e.answer = 401, `{"message":"Bad credentials"}` }), ""},
		"slashes in a path":  {exchange{http.MethodGet, "/repos/acme/orders/compare/feature/a...main", "", 404, `{"message":"Not Found"}`}, ""},
	} {
		err := tc.check()
		if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want an error with %q", name, err, tc.want)
		}
	}
}

// spy is a test that is told of failures.
type spy struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (s *spy) Errorf(format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}
func (s *spy) Cleanup(fn func()) { s.cleanups = append(s.cleanups, fn) }

func TestWrapFailsTheTest(t *testing.T) {
	s := &spy{TB: t}
	h := contract.Wrap(s, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":1}`)
	}))
	ask := func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/repos/acme/orders", nil))
		if w.Code != http.StatusOK || w.Body.String() != `{"id":1}` {
			t.Errorf("the answer did not come through: %d %s", w.Code, w.Body)
		}
	}
	ask()
	if len(s.failures) != 1 || !strings.Contains(s.failures[0], "GET /repos/acme/orders → 200") {
		t.Errorf("failures %q", s.failures)
	}
	for _, end := range s.cleanups {
		end()
	}
	ask()
	if len(s.failures) != 1 {
		t.Error("a request after the test's end failed it")
	}
}

// The description of our events fits payloads that GitHub itself sent. Some
// examples are older than it; all the pushes lack the one newer field.
func TestWebhookFitsRealPayloads(t *testing.T) {
	all, err := webhookexamples.All()
	if err != nil {
		t.Fatal(err)
	}
	fits, tried := map[string]int{}, map[string]int{}
	for _, e := range all {
		payload := bytes.ReplaceAll(e.Payload, []byte(`"has_wiki":`), []byte(`"has_discussions":false,"has_wiki":`))
		err := contract.Webhook(e.Event, e.Action, payload)
		if err != nil && strings.Contains(err.Error(), "routes.txt") {
			continue // an event we don't send
		}
		tried[e.Event]++
		if err == nil {
			fits[e.Event]++
		}
	}
	for _, event := range []string{"push", "issue_comment", "check_run", "pull_request"} {
		if fits[event] == 0 {
			t.Errorf("%s: none of %d real payloads fits the description", event, tried[event])
		}
	}
	if err := contract.Webhook("push", "", []byte(`{"ref":"refs/heads/main"}`)); err == nil {
		t.Error("a push without most fields fits")
	}
	if err := contract.Webhook("teapot", "", nil); err == nil || !strings.Contains(err.Error(), "openapi-subset") {
		t.Errorf("an unknown event: %v", err)
	}
	t.Logf("real payloads that fit: %v of %v", fits, tried)
}

// Whoever adds a route to the list must also run the script.
func TestEveryListedRouteIsKept(t *testing.T) {
	list, err := os.ReadFile("routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	routes := 0
	for line := range strings.Lines(string(list)) {
		method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if method == "#" || method == "WEBHOOK" {
			continue
		}
		routes++
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		err := exchange{method, path, "null", http.StatusUnprocessableEntity, `{"message":"x"}`}.check()
		if err != nil && strings.Contains(err.Error(), "routes.txt") {
			t.Error(err)
		}
	}
	if routes < 50 {
		t.Errorf("only %d routes were read", routes)
	}
}
