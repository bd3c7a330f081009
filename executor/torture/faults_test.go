package torture_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shipsql/shipsql/internal/faultproxy"
)

// The figures of the faults.
const (
	cutCount   = "cuts"
	killCount  = "SIGKILLs of workers"
	crashCount = "server crashes"
)

// point is where a wire is cut.
type point struct {
	name  string
	match func(chunk []byte) bool
}

var points = []point{
	{"a statement of the folder", func(chunk []byte) bool { return bytes.Contains(chunk, []byte(mark)) }},
	{"a delicate statement", func(chunk []byte) bool { return bytes.Contains(chunk, []byte(mark+delicate)) }},
	{"COMMIT", func(chunk []byte) bool { return bytes.Contains(chunk, []byte("COMMIT")) }},
	{"anything but the wait for the lock", func(chunk []byte) bool {
		return !bytes.Contains(chunk, []byte("pg_try_advisory_lock")) && !bytes.Contains(chunk, []byte("GET_LOCK"))
	}},
}

var moments = map[faultproxy.When]string{
	faultproxy.Before: "before it was sent",
	faultproxy.During: "as it was sent",
	faultproxy.After:  "before its answer came",
	faultproxy.Hole:   "by a black hole",
}

// cut breaks wires at named points, with a few steps between two cuts.
func (r *round) cut(ctx context.Context) error {
	dice := r.random(cutCount)
	for r.tally.of(cutCount) < r.quota.Cuts {
		if _, err := r.pulse.await(ctx, 1+dice.IntN(24), false); err != nil {
			return err
		}
		p, when := points[dice.IntN(len(points))], faultproxy.When(dice.IntN(4))
		skip := dice.IntN(3)
		if p.name == points[len(points)-1].name {
			skip = dice.IntN(15)
		}
		r.wire.Arm(&faultproxy.Cut{When: when, For: time.Duration(dice.IntN(300)) * time.Millisecond, Match: func(_ int, chunk []byte) bool {
			if !p.match(chunk) {
				return false
			}
			skip--
			return skip < 0
		}})
		happened, err := r.happened(ctx)
		if err != nil {
			return err
		}
		if happened {
			r.tally.add(cutCount, 1)
			r.tally.add(fmt.Sprintf("cut at %s, %s", p.name, moments[when]), 1)
			r.history.note("CUT at %s, %s", p.name, moments[when])
		}
	}
	return nil
}

// happened waits until the armed cut did; not for ever, since the folder's last
// COMMIT may be over.
func (r *round) happened(ctx context.Context) (bool, error) {
	giveUp := time.After(2 * time.Second)
	for r.wire.Armed() {
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-giveUp:
			return r.wire.Disarm(), nil
		case <-time.After(2 * time.Millisecond):
		}
	}
	return true, nil
}

// kill ends workers with SIGKILL a moment after they began or ended a step; every
// now and then all of them, to audit what they left.
func (r *round) kill(ctx context.Context) error {
	dice := r.random(killCount)
	for n := 1; r.tally.of(killCount) < r.quota.Kills; n++ {
		victim, err := r.pulse.await(ctx, 1+dice.IntN(36), dice.IntN(2) == 0)
		if err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(dice.IntN(15000))*time.Microsecond); err != nil {
			return err
		}
		if g := r.playing.Load(); n%4 == 0 && g != nil && !g.undoing.Load() {
			if err := g.audit(ctx); err != nil {
				return g.evidence(err)
			}
			continue
		}
		if victim.kill() {
			r.tally.add(killCount, 1)
			r.history.note("SIGKILL of %s", victim.worker)
		}
	}
	return nil
}

// crash crashes the server, and starts it again a moment later.
func (r *round) crash(ctx context.Context) error {
	dice := r.random(crashCount)
	for r.tally.of(crashCount) < r.quota.Crashes {
		if _, err := r.pulse.await(ctx, 1+dice.IntN(400), dice.IntN(2) == 0); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(dice.IntN(10))*time.Millisecond); err != nil {
			return err
		}
		if err := r.crashNow(ctx, dice); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) crashNow(ctx context.Context, dice *rand.Rand) error {
	r.calm.Lock()
	defer r.calm.Unlock()
	if r.playing.Load() == nil {
		return nil // the folder is over: nothing would be hit
	}
	r.history.note("CRASH of the server")
	if err := r.product.crash(r.server, dice); err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(dice.IntN(300))*time.Millisecond); err != nil {
		return err
	}
	if err := r.server.Restart(ctx); err != nil {
		return err
	}
	r.history.note("the server is back")
	r.tally.add(crashCount, 1)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
