package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// Footprint is what an idle bot holds, and what a push costs it.
type Footprint struct {
	IdleBytes int64 // resident memory of an idle `shipsql serve`
	Opened    int   // forge requests for a new pull request with SQL
	Pushed    int   // forge requests for a later push to it
}

// Measure builds a world and takes the bot's measures there.
func Measure(ctx context.Context, o Options) (f Footprint, err error) {
	o.Patience = DefaultPatience
	w := &world{Options: o, app: &app{}, started: time.Now()}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.build(ctx, func(error) {}); err != nil {
		return f, err
	}
	s := &story{world: w}
	s.quiet(ctx)
	if f.IdleBytes, err = residentBytes(w.app.nodes[0].command.Process.Pid); err != nil {
		return f, err
	}
	if f.Opened, err = s.cost(ctx, s.review); err != nil {
		return f, err
	}
	f.Pushed, err = s.cost(ctx, s.fix)
	return f, err
}

// cost counts the forge requests of a step and of what follows from it.
func (s *story) cost(ctx context.Context, step func(context.Context) (string, error)) (int, error) {
	before := len(s.forge.Requests())
	if _, err := step(ctx); err != nil {
		return 0, err
	}
	s.quiet(ctx)
	return len(s.forge.Requests()) - before, nil
}

// quiet returns when the bot has asked the forge nothing for two seconds: longer
// than its write budget ever makes a request wait.
func (s *story) quiet(ctx context.Context) {
	seen, since := -1, time.Now()
	_ = poll(ctx, "silence", func(context.Context) (bool, string) {
		if n := len(s.forge.Requests()); n != seen {
			seen, since = n, time.Now()
		}
		return time.Since(since) > 2*time.Second, ""
	})
}

func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0, errors.New("no VmRSS in /proc")
	}
	kilobytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kilobytes << 10, err
}
