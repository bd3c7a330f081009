package doctor

import (
	"context"
	"fmt"
	"time"
)

// Check is one thing to look at.
type Check struct {
	Name    string
	Subject string
	Run     func(ctx context.Context) []Result // returns soon after ctx is done
}

// Limits of a run.
const (
	together = 8                // checks at once
	patience = 20 * time.Second // for one check
)

// Run runs the checks, some at once, and hands over their results in the order
// of the checks, each as soon as it and those before it are known. A check that
// takes too long, or panics, has failed.
func Run(ctx context.Context, checks []Check, tell func(Result)) []Result {
	waiting := make([]chan []Result, len(checks))
	turns := make(chan struct{}, together)
	for i, check := range checks {
		waiting[i] = make(chan []Result, 1)
		go func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			waiting[i] <- check.within(ctx, patience)
		}()
	}
	var all []Result
	for _, results := range waiting {
		for _, r := range <-results {
			all = append(all, r)
			tell(r)
		}
	}
	return all
}

// within runs the check for a limited time. One that does not heed the limit is
// left behind: the process ends soon anyway.
func (c Check) within(ctx context.Context, limit time.Duration) []Result {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan []Result, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- []Result{topic{c.Name, c.Subject}.failed("the check itself failed: %v", cause)}
			}
		}()
		done <- c.Run(ctx)
	}()
	select {
	case results := <-done:
		return results
	case <-ctx.Done():
	}
	select { // what heeds the limit says more than "no answer"
	case results := <-done:
		return results
	case <-time.After(grace):
		return []Result{topic{c.Name, c.Subject}.failed("no answer within %s", limit).because(fmt.Sprintf("everything that needs it waits as long (%s)", limit)).
			fix("check the network and the load of that server")}
	}
}

// grace is how long a check may take to notice that its time is over.
const grace = time.Second
