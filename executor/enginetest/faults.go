package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
)

var moments = []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After}

// cuts are the chunks to cut of so many: all of them, or some, others in each
// moment. The last are goodbyes, which may come late.
func cuts(t *testing.T, chunks int, visit func(faultproxy.When, int)) {
	t.Helper()
	writes := chunks - 4
	step := max(1, writes*len(moments)/(36*Torture(t)))
	for i, when := range moments {
		for n := 1 + i*step/len(moments); n <= writes; n += step {
			visit(when, n)
		}
	}
}

// proveOnce checks that each statement of the engine's folder took effect exactly
// once and that the ledger says so.
func (b *Bench) proveOnce() {
	b.tb.Helper()
	for query, answer := range b.engine.Proof {
		b.Want(query, answer)
	}
	for _, e := range b.entries(b.load(b.engine.Folder)) {
		if e.State != executor.StateApplied || e.Done != e.Total {
			b.tb.Errorf("%s is %s, %d of %d done", e.Path, e.State, e.Done, e.Total)
		}
	}
	b.Want("select count(*) from "+b.ledger("steps")+" where state <> 'done'", "0")
}

// untilReached calls again while the answer is that this is safe.
func untilReached(t *testing.T, call func() error) {
	t.Helper()
	for attempt := 0; ; attempt++ {
		err := call()
		if err == nil {
			return
		}
		if fault.CodeOf(err) != fault.Unreachable || attempt == 3 {
			t.Fatalf("attempt %d: %v", attempt, Explain(err))
		}
	}
}

// cutAnywhere cuts the wire at each write, the ledger's making among them.
func cutAnywhere(t *testing.T, b *Bench) {
	proxy, through := b.BehindProxy()
	run := executor.Run{Migrations: b.load(b.engine.Folder), Limits: Patient}
	proxy.Arm(nil) // counts how many writes there are to cut
	untilReached(t, func() error { _, err := b.open(through).Apply(t.Context(), run); return err })
	b.proveOnce()
	cuts(t, proxy.Chunks(), func(when faultproxy.When, n int) {
		t.Run(fmt.Sprintf("%d_%d", when, n), func(t *testing.T) {
			t.Parallel()
			b := b.engine.NewBench(t)
			proxy, through := b.BehindProxy()
			proxy.Arm(&faultproxy.Cut{When: when, Match: func(chunk int, _ []byte) bool { return chunk == n }})
			untilReached(t, func() error { _, err := b.open(through).Apply(t.Context(), run); return err })
			if proxy.Armed() {
				t.Error("never cut")
			}
			b.proveOnce()
		})
	})
}

// cutAtCommit cuts the wire at each COMMIT: the run itself finds out what became
// of it, and says so.
func cutAtCommit(t *testing.T, b *Bench) {
	proxy, through := b.BehindProxy()
	commits := b.countedThrough(proxy, through, nil, 0)
	if commits < 2 {
		t.Fatalf("%d commits of 2 migrations", commits)
	}
	for _, when := range moments {
		for nth := 1; nth <= commits; nth++ {
			t.Run(fmt.Sprintf("%d_%d", when, nth), func(t *testing.T) {
				t.Parallel()
				b := b.engine.NewBench(t)
				proxy, through := b.BehindProxy()
				b.countedThrough(proxy, through, &when, nth)
			})
		}
	}
}

// countedThrough applies two migrations through a proxy that cuts the nth COMMIT,
// if it is told when, and returns how many there were.
func (b *Bench) countedThrough(proxy *faultproxy.Proxy, through string, when *faultproxy.When, nth int) (commits int) {
	b.tb.Helper()
	b.MustApply(map[string]string{"1_a.sql": "create table counter(n int); insert into counter values (0)"})
	cut := &faultproxy.Cut{Match: func(_ int, chunk []byte) bool {
		if !bytes.Contains(chunk, []byte("COMMIT")) {
			return false
		}
		commits++
		return commits == nth
	}}
	if when != nil {
		cut.When = *when
	}
	proxy.Arm(cut)
	run := executor.Run{Migrations: b.load(map[string]string{"2_b.sql": "update counter set n = n + 1", "3_c.sql": "update counter set n = n + 10"})}
	result, err := b.open(through).Apply(b.tb.Context(), run)
	if err != nil || outcomes(result) != "2 applied, 3 applied" || proxy.Disarm() != (when != nil) {
		b.tb.Errorf("%s, %v", outcomes(result), Explain(err))
	}
	b.Want("select n from counter", "11")
	return commits
}

// cutUndo cuts the wire at each write of an undo and of what applies it again, in
// turn.
func cutUndo(t *testing.T, b *Bench) {
	files := b.engine.Reversible
	proxy, through := b.BehindProxy()
	folder, target := b.load(files), b.open(through)
	round := func() {
		t.Helper()
		undo := executor.Run{Migrations: folder[1:], Limits: Patient}
		untilReached(t, func() error { _, err := target.Undo(t.Context(), undo); return err })
		untilReached(t, func() error {
			_, err := target.Apply(t.Context(), executor.Run{Migrations: folder, Limits: Patient})
			return err
		})
	}
	b.MustApply(files)
	states, first, rounds := b.States(files), b.n(), 1
	proxy.Arm(nil)
	round()
	each := b.n() - first
	cuts(t, proxy.Chunks(), func(when faultproxy.When, n int) {
		proxy.Arm(&faultproxy.Cut{When: when, Match: func(chunk int, _ []byte) bool { return chunk == n }})
		round()
		rounds++
		if b.n() != first+rounds*each || each <= 0 {
			t.Fatalf("cut %d at %d: n is %d after %d rounds of %d", when, n, b.n(), rounds, each)
		}
		b.Want("select count(*) from "+b.ledger("steps")+" where state <> 'done' or kind = 'undo'", "0")
		b.WantStates(files, states)
	})
}

// n is what the reversible files count.
func (b *Bench) n() (n int) {
	b.tb.Helper()
	if _, err := fmt.Sscan(b.Query("select n from a"), &n); err != nil {
		b.tb.Fatal(err)
	}
	return n
}

// serverCrashes kills the server in the middle of a file. A run that waits for
// it to come back goes on; one that gave up may be called again.
func serverCrashes(t *testing.T, b *Bench) {
	server := b.engine.Own(t)
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"1_a.sql": "create table a(n int)", "2_b.sql": "insert into a values (1); insert into a values (2)",
		"3_c.sql": "-- shipsql: transaction=off\ncreate index nth on a(n); insert into a values (3)",
	}
	down := false
	restart := func() {
		if err := server.Restart(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		down = false
	}
	crashed := false
	run := executor.Run{Migrations: b.load(files), Progress: func(e executor.Event) {
		switch {
		case e.Version == "2" && e.State == executor.EventRunning && e.Statement == 2 && !crashed:
			if err := server.Kill(); err != nil {
				t.Error(err)
			}
			crashed, down = true, true
		case e.State == executor.EventRetrying && down:
			restart()
		}
	}}
	_, err := b.open(server.URL("app")).Apply(t.Context(), run)
	if err != nil {
		wantCode(t, err, fault.Unreachable)
	}
	if down {
		restart()
	}
	after := b.engine.BenchAt(t, server.URL("app"))
	after.MustApply(files)
	after.Want("select n from a order by n", "1\n2\n3")
}
