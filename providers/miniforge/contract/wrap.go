package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Wrap serves as h does and fails tb when a request or an answer is not as
// GitHub describes it. Requests may be below "/api/v3", as on Enterprise Server.
func Wrap(tb testing.TB, h http.Handler) http.Handler {
	report := &reporter{tb: tb}
	tb.Cleanup(report.stop)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			report.errorf("contract: read the body of %s %s: %v", r.Method, r.URL.Path, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if err := Check(r, body, answer.Result()); err != nil {
			report.errorf("contract: %s %s → %d: %v", r.Method, r.URL.Path, answer.Code, err)
		}
		copyAnswer(w, answer)
	})
}

// Check validates one request (whose body was read already) and its answer.
func Check(r *http.Request, body []byte, answer *http.Response) error {
	doc, err := load()
	if err != nil {
		return err
	}
	route, parameters, err := find(doc, r.Method, strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3"))
	if err != nil {
		return err
	}
	again := r.Clone(context.WithoutCancel(r.Context()))
	if string(bytes.TrimSpace(body)) == "null" { // how ghinstallation says "no body", which GitHub takes
		body = nil
	}
	again.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: again, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			MultiError: true, SkipSettingDefaults: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
	// A request that the fake refuses as malformed may well be so: the refusal
	// is what the test is about.
	if answer.StatusCode != http.StatusUnprocessableEntity {
		if err := openapi3filter.ValidateRequest(input.Request.Context(), input); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if err := checkAnswer(doc, input, answer); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

func checkAnswer(doc *openapi3.T, input *openapi3filter.RequestValidationInput, answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusNotModified {
		return nil // any GET may be conditional; described for a few only
	}
	if answer.StatusCode == http.StatusMovedPermanently || answer.StatusCode == http.StatusTemporaryRedirect {
		return checkRedirect(doc, body, answer.Header.Get("Location"))
	}
	if answer.StatusCode >= 400 && input.Route.Operation.Responses.Status(answer.StatusCode) == nil {
		return checkError(doc, body)
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	})
}

// checkRedirect validates the answer to a repository's former name, which few
// routes describe.
func checkRedirect(doc *openapi3.T, body []byte, location string) error {
	if !strings.Contains(location, "/repositories/") {
		return fmt.Errorf("it redirects to %q", location)
	}
	return checkError(doc, body)
}

// checkError validates an error that the route doesn't describe, such as 401.
func checkError(doc *openapi3.T, body []byte) error {
	value, err := decode(body)
	if err != nil {
		return err
	}
	return doc.Components.Schemas["basic-error"].Value.VisitJSON(value)
}

func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// reporter fails a test until it ends: a server may outlive its test.
type reporter struct {
	mu   sync.Mutex
	tb   testing.TB
	over bool
}

func (r *reporter) errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.tb.Errorf(format, args...)
	}
}

func (r *reporter) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}
