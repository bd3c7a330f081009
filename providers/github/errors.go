package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
)

// statusOf is the status of the forge's answer behind err, 0 without an answer.
func statusOf(err error) int {
	if resp := answerOf(err); resp != nil {
		return resp.StatusCode
	}
	return 0
}

// answerOf is the forge's answer behind an error of go-github or ghinstallation.
func answerOf(err error) *http.Response {
	var refused *github.ErrorResponse
	var noToken *ghinstallation.HTTPError
	switch {
	case errors.As(err, &refused):
		return refused.Response
	case errors.As(err, &noToken):
		return noToken.Response
	}
	return nil
}

// misdirected says that the installation may be the wrong one.
func misdirected(err error) bool {
	var noToken *ghinstallation.HTTPError
	switch status := statusOf(err); status {
	case http.StatusUnauthorized, http.StatusNotFound:
		return true
	case http.StatusForbidden: // suspended; or readable as public, but with another's installation
		return errors.As(err, &noToken) || strings.Contains(err.Error(), "suspended") ||
			strings.Contains(err.Error(), "not accessible by integration")
	}
	return false
}

// translate makes an error of the seam out of one of the client library. Its
// text holds what the forge said, without secrets; its chain holds nothing of
// the library.
func (p *Provider) translate(ctx context.Context, err error) error {
	var coded interface {
		error
		FaultCode() fault.Code
	}
	var tooMuch *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fault.New(fault.Unreachable, "the call was given up").At(p.cfg.Name).Because(ctx.Err())
	case p.limited(err) > 0:
		return fmt.Errorf("%s: %w", p.cfg.Name, providers.ErrRateLimited{RetryAfter: p.limited(err)})
	case errors.As(err, &tooMuch):
		return fmt.Errorf("%s: an answer of over %d bytes: %w", p.cfg.Name, tooMuch.Limit, providers.ErrTooMany)
	case errors.As(err, &coded):
		return fmt.Errorf("%s: %w", p.cfg.Name, coded)
	}
	resp := answerOf(err)
	if resp == nil {
		return fault.New(fault.Unreachable, "%s", secret.Redact(err.Error())).At(p.cfg.Name)
	}
	return meaning(resp.StatusCode, said(resp, err)).At(p.cfg.Name)
}

// limited is how long a rate limit asks to wait, 0 when err is none.
func (p *Provider) limited(err error) time.Duration {
	var ours providers.ErrRateLimited
	var primary *github.RateLimitError
	switch now := p.o.Clock.Now(); {
	case errors.As(err, &ours):
		return ours.RetryAfter
	case errors.As(err, &primary): // go-github's own gate, after a used-up limit
		return min(max(primary.Rate.Reset.Sub(now), time.Second), longestWait)
	default:
		if resp := answerOf(err); resp != nil {
			wait, _ := limit(resp, now)
			return wait
		}
		return 0
	}
}

// said is what the forge answered to what, without secrets.
func said(resp *http.Response, err error) string {
	call := ""
	if resp.Request != nil {
		call = resp.Request.Method + " " + resp.Request.URL.Path + ": "
	}
	text := fmt.Sprintf("%s%d %s", call, resp.StatusCode, http.StatusText(resp.StatusCode))
	var refused *github.ErrorResponse
	if !errors.As(err, &refused) {
		return text + " (no token)"
	}
	details := []string{}
	if refused.Message != "" {
		details = append(details, refused.Message)
	}
	for _, e := range refused.Errors {
		details = append(details, strings.TrimSpace(strings.Join([]string{e.Resource, e.Field, e.Code, e.Message}, " ")))
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, "; ") + ")"
	}
	return secret.Redact(text)
}

// meaning is the seam's error for a status.
func meaning(status int, said string) *fault.Error {
	because := func(sentinel *fault.Error) *fault.Error {
		return fault.New(sentinel.Code, "%s", said).Because(sentinel)
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return because(providers.ErrUnauthorized)
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return because(providers.ErrNotFound)
	case http.StatusUnprocessableEntity:
		return because(providers.ErrUnprocessable)
	case http.StatusConflict:
		return fault.New(fault.Conflict, "%s", said)
	case http.StatusRequestTimeout:
		return fault.New(fault.Unreachable, "%s", said)
	}
	if status >= http.StatusInternalServerError {
		return fault.New(fault.Unreachable, "%s", said)
	}
	return fault.New(fault.Internal, "the forge's answer makes no sense: %s", said)
}

// unknown says that a write's outcome can't be told from its error: the wire was
// cut, time ran out, or a gateway answered.
func unknown(err error) bool {
	var limited providers.ErrRateLimited
	return fault.CodeOf(err) == fault.Unreachable && !errors.As(err, &limited)
}
