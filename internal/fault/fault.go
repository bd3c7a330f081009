// Package fault gives errors a code that callers decide on, and the three
// things a reader needs: what went wrong, where, and what to do next.
//
// A code is part of ShipSQL's contract (JSON output, exit codes, comments), so
// there are few of them and none is ever renamed.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an error is.
type Code string

// The codes of the contract.
const (
	// Invalid: the input is wrong; the same call fails again until it is changed.
	Invalid Code = "invalid"
	// Denied: the actor may not do this.
	Denied Code = "denied"
	// NotFound: the thing named does not exist, or may not be seen.
	NotFound Code = "not_found"
	// Conflict: the state of the thing does not allow this now.
	Conflict Code = "conflict"
	// ChangedAfterApply: a migration's text differs from what was applied.
	ChangedAfterApply Code = "changed_after_apply"
	// OutOfOrder: a version lies below one that was applied already.
	OutOfOrder Code = "out_of_order"
	// LockTimeout: a lock was not had in the time allowed; trying again is safe.
	LockTimeout Code = "lock_timeout"
	// Unreachable: a server did not answer; trying again is safe.
	Unreachable Code = "unreachable"
	// Ambiguous: the outcome can't be proven; only a person's resolve ends it.
	Ambiguous Code = "ambiguous"
	// SQLError: the database refused a statement.
	SQLError Code = "sql_error"
	// Unsupported: ShipSQL does not do this (yet).
	Unsupported Code = "unsupported"
	// Internal: a defect of ShipSQL, or an error nobody gave a code.
	Internal Code = "internal"
)

// Error is an error with a code. Where and Next may be empty.
type Error struct {
	Code    Code
	Message string // what went wrong, in one sentence without a full stop
	Where   string // file:line, database, release …
	Next    string // what to do about it
	Err     error  // the cause, for errors.Is and errors.As
}

// New makes an Error; the message is formatted as by fmt.Sprintf.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At returns a copy that says where it happened.
func (e *Error) At(where string) *Error {
	c := *e
	c.Where = where
	return &c
}

// Then returns a copy that says what to do next.
func (e *Error) Then(format string, args ...any) *Error {
	c := *e
	c.Next = fmt.Sprintf(format, args...)
	return &c
}

// Because returns a copy that wraps the cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Error is the whole text: where, what, why, and what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Where != "" {
		b.WriteString(e.Where + ": ")
	}
	b.WriteString(e.Message)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Next != "" {
		b.WriteString("; " + e.Next)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// FaultCode returns the code; types other than Error may have the method too.
func (e *Error) FaultCode() Code { return e.Code }

// CodeOf returns the code of the first error in err's chain that has one: ""
// for nil and Internal for an error without any.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var coded interface{ FaultCode() Code }
	if errors.As(err, &coded) {
		return coded.FaultCode()
	}
	return Internal
}
