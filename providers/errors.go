package providers

import (
	"fmt"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// The errors callers tell apart with errors.Is. What the forge said stands
// around them in the error's text, without secrets.
var (
	// ErrSignature: the webhook's signature is missing or wrong.
	ErrSignature = fault.New(fault.Denied, "the webhook's signature is missing or wrong")
	// ErrNotFound: the forge doesn't have it, or doesn't show it to us.
	ErrNotFound = fault.New(fault.NotFound, "the forge does not have it or does not show it to us")
	// ErrGone: our app isn't installed there (any more), or is suspended.
	ErrGone = fault.New(fault.NotFound, "the app is not installed there").
		Then("install the app on the repository again")
	// ErrUnauthorized: the forge refuses our credentials, or they lack a permission.
	ErrUnauthorized = fault.New(fault.Denied, "the forge refuses the app's credentials or permissions")
	// ErrTooMany: there are more than the forge lists, so the list can't be trusted.
	ErrTooMany = fault.New(fault.Unsupported, "there are more than the forge lists")
	// ErrNotAncestor: history was rewritten; the commit isn't behind the head.
	ErrNotAncestor = fault.New(fault.Conflict, "the commit is no ancestor of the branch's head")
	// ErrUnprocessable: the forge understood the request and refuses its content.
	ErrUnprocessable = fault.New(fault.Invalid, "the forge refuses the content of the request")
)

// ErrRateLimited is the error of a call the forge asks us to make later. It is
// returned at once; nobody sleeps.
type ErrRateLimited struct {
	RetryAfter time.Duration // from now; always positive
}

// Error says when to try again.
func (e ErrRateLimited) Error() string {
	return fmt.Sprintf("the forge asks to wait %s", e.RetryAfter.Round(time.Second))
}

// FaultCode is unreachable: trying again later is safe.
func (ErrRateLimited) FaultCode() fault.Code { return fault.Unreachable }

// ErrTooLarge is the error of a file that is larger than we read.
type ErrTooLarge struct {
	Path  string
	Limit int64 // bytes
}

// Error names the file and the limit.
func (e ErrTooLarge) Error() string {
	return fmt.Sprintf("%s: the file is larger than %d bytes", e.Path, e.Limit)
}

// FaultCode is invalid: the file has to change.
func (ErrTooLarge) FaultCode() fault.Code { return fault.Invalid }
