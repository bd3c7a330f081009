package miniforge

import (
	"net/http"
	"time"
)

// Match chooses the API requests a fault hits; the zero value chooses all.
type Match struct {
	Method string // "" for any
	// Path is a path.Match pattern for the path below the API root, without
	// the leading slash: "repos/*/*/check-runs". "" for any.
	Path string
	// If narrows it further; nil for no further condition.
	If func(*http.Request) bool
}

// Fault is what happens to a request instead of, or on top of, the right answer.
type Fault struct {
	// Status is answered with Body and Headers; 0 cuts the connection unless
	// only Delay is set.
	Status  int
	Headers map[string]string
	Body    string // default: GitHub's {"message": …} for the status
	// Times is how many requests are hit; 0 for every one until removed.
	Times int
	// AfterWrite lets the request take effect before its answer is replaced.
	AfterWrite bool
	// Delay is waited for before anything else.
	Delay time.Duration
	// Slow only delays: the right answer follows.
	Slow bool
}
