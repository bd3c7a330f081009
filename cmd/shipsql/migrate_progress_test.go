package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/privateserver"
)

var (
	start  = executor.Event{Version: "3", Path: "m/3_x.sql", Statement: 1, Total: 2, State: executor.EventRunning}
	scan   = executor.Event{Version: "3", Path: "m/3_x.sql", Statement: 2, Total: 2, State: executor.EventProgress, Phase: "building index: scanning table", Unit: "blocks", Of: 1000}
	silent = executor.Event{Version: "3", Path: "m/3_x.sql", Statement: 2, Total: 2, State: executor.EventProgress}
	waits  = executor.Event{Version: "3", Path: "m/3_x.sql", Statement: 2, Total: 2, State: executor.EventProgress, Detail: "waits for a lock of 'psql' (pid 7)"}
	ends   = executor.Event{Version: "3", Path: "m/3_x.sql", Total: 2, State: executor.EventApplied}
)

// at is the event with so much done.
func at(e executor.Event, done int64) executor.Event {
	e.Done = done
	return e
}

func TestProgressInLines(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := lineProgress{out: &out, now: func() time.Time { return now }}
	for _, step := range []struct {
		second int
		event  executor.Event
	}{
		{0, start}, {1, silent}, {2, at(scan, 0)}, {3, waits}, {4, waits}, {5, silent}, // that the way is free is news too
		{10, at(scan, 100)}, {12, at(scan, 120)}, {15, at(scan, 150)}, {16, at(scan, 160)}, {20, at(scan, 200)},
		{21, executor.Event{State: executor.EventRetrying, Detail: "deadlock detected"}}, {22, ends},
	} {
		now = time.Unix(int64(step.second), 0)
		p.event(step.event)
	}
	want := `running: m/3_x.sql (2 statements)
still running: m/3_x.sql, statement 2 of 2
still running: m/3_x.sql, statement 2 of 2; waits for a lock of 'psql' (pid 7)
still running: m/3_x.sql, statement 2 of 2
still running: m/3_x.sql, statement 2 of 2, building index: scanning table 10 % (100 of 1000 blocks)
still running: m/3_x.sql, statement 2 of 2, building index: scanning table 15 % (150 of 1000 blocks, 10 a second, about 86 s left of this phase)
still running: m/3_x.sql, statement 2 of 2, building index: scanning table 20 % (200 of 1000 blocks, 10 a second, about 81 s left of this phase)
retrying: deadlock detected
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSpeedIsToldHonestly(t *testing.T) {
	sessions, share, endless := scan, scan, scan
	sessions.Unit, share.Unit, endless.Of = "sessions", "", 0
	phase := scan
	phase.Phase = "building index: sorting live tuples"
	for name, c := range map[string]struct {
		first  executor.Event
		after  time.Duration
		second executor.Event
		want   string
	}{
		"too soon":             {scan, 4 * time.Second, at(scan, 100), ""},
		"blocks":               {scan, 10 * time.Second, at(scan, 100), "10 a second, about 91 s left of this phase"},
		"minutes":              {scan, 100 * time.Second, at(scan, 100), "1 a second, about 16 min left of this phase"},
		"nothing moves":        {at(scan, 7), 10 * time.Second, at(scan, 7), ""},
		"another phase":        {scan, 10 * time.Second, at(phase, 100), ""},
		"begins anew":          {at(scan, 500), 10 * time.Second, at(scan, 100), ""},
		"past its own guess":   {scan, 10 * time.Second, at(scan, 1100), "110 a second"},
		"no whole":             {endless, 10 * time.Second, at(endless, 100), "10 a second"},
		"waits for sessions":   {sessions, 10 * time.Second, at(sessions, 100), ""},
		"shares without units": {share, 10 * time.Second, at(share, 500), "about 11 s left of this phase"},
		"for ever":             {scan, 5000 * time.Hour, at(scan, 1), "0 a second"},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			p.measure(c.first, time.Unix(0, 0))
			if got := p.measure(c.second, time.Unix(0, 0).Add(c.after)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestProgressInJSON(t *testing.T) {
	out := told(&terminal{}, "json",
		start, executor.Event{Version: "3", Statement: 1, State: executor.EventDone}, executor.Event{Version: "3", Statement: 2, State: executor.EventRunning},
		at(scan, 290), waits, ends)
	want := `{"event":"running","version":"3","path":"m/3_x.sql","statement":1,"total":2}
{"event":"progress","version":"3","path":"m/3_x.sql","statement":2,"total":2,"phase":"building index: scanning table","done":290,"of":1000,"unit":"blocks","percent":29}
{"event":"progress","version":"3","path":"m/3_x.sql","statement":2,"total":2,"detail":"waits for a lock of 'psql' (pid 7)"}
{"event":"applied","version":"3","path":"m/3_x.sql","total":2}
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

// told is what a run of two files with these events prints.
func told(on *terminal, format string, events ...executor.Event) string {
	var out bytes.Buffer
	on.err = &out
	run := executor.Run{Migrations: make([]executor.Migration, 2)}
	done := on.follow(&run, format)
	for _, e := range events {
		run.Progress(e)
	}
	done()
	return out.String()
}

func TestProgressOnATerminal(t *testing.T) {
	out := told(&terminal{errIsTTY: true}, "text", start, at(scan, 290), waits, waits, ends, executor.Event{State: executor.EventWaiting, Detail: "another run"})
	// Each drawing of the bar begins the line anew; a line in between stands alone.
	var shown []string
	for _, line := range strings.FieldsFunc(out, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && (len(shown) == 0 || shown[len(shown)-1] != line) {
			shown = append(shown, line)
		}
	}
	const empty = " 0% | | (0/2)"
	want := []string{
		"migrating 3, statement 2 of 2, building index: scanning table 29 % (290 of 1000 blocks)" + empty,
		"m/3_x.sql, statement 2 of 2: waits for a lock of 'psql' (pid 7)",
		"migrating 3, statement 2 of 2, building index: scanning table 29 % (290 of 1000 blocks)" + empty,
		"migrating 3, statement 2 of 2" + empty,
		"migrating" + empty,
		"migrating 50% |████████████████████ | (1/2)",
		"waiting: another run",
		"migrating 50% |████████████████████ | (1/2)",
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}

// watched is a stderr that calls back once when a text has come.
type watched struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	then func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.then != nil && strings.Contains(w.text.String(), w.want) {
		w.then()
		w.then = nil
	}
	return len(p), nil
}

// blockedRun runs migrate up on a table that another session has locked, until
// then has been called and has ended the run.
func blockedRun(t *testing.T, then func(blocker *pgx.Conn, interrupt, insist func())) (code int, out, stderr string) {
	t.Helper()
	url := privateserver.Database(t)
	dir := migrationsIn(t, map[string]string{"1_a.sql": "create table a()", "2_b.sql": "alter table t add column n int"})
	blocker, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blocker.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range []string{"create table t(); set application_name = 'nightly'", "begin; lock table t"} {
		if _, err := blocker.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	insisted := make(chan struct{})
	stdout, errs := &watched{}, &watched{want: "waits for a lock of 'nightly' (pid "}
	errs.then = func() { then(blocker, interrupt, func() { close(insisted) }) }
	code = run([]string{"migrate", "up", "--lock-timeout", "5m", "--database", url, "--dir", dir},
		&terminal{ctx: ctx, insisted: insisted, out: stdout, err: errs})
	if errs.then != nil {
		t.Errorf("nobody said who is in the way: %s", errs.text.String())
	}
	return code, stdout.text.String(), errs.text.String()
}

func TestMigrateSaysWhoIsInTheWay(t *testing.T) {
	code, out, errs := blockedRun(t, func(blocker *pgx.Conn, _, _ func()) {
		if _, err := blocker.Exec(t.Context(), "commit"); err != nil {
			t.Error(err)
		}
	})
	if code != exitOK || !strings.Contains(out, "2 applied") || !strings.Contains(errs, "2_b.sql, statement 1 of 1; waits for") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}

func TestCtrlCSaysWhatIsApplied(t *testing.T) {
	for name, c := range map[string]struct {
		then func(blocker *pgx.Conn, interrupt, insist func())
		says string
	}{
		"once: when the grace is over": {func(_ *pgx.Conn, interrupt, _ func()) { interrupt() }, "the run was interrupted"},
		"twice: at once":               {func(_ *pgx.Conn, interrupt, insist func()) { interrupt(); insist() }, "the statement was cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := blockedRun(t, c.then)
			if code != exitTryAgain || !strings.Contains(out, "1 applied") {
				t.Errorf("exit %d, %s", code, out)
			}
			for _, want := range []string{c.says, "2_b.sql", "nothing of this file is applied; the ledger has: 1 applied, 1 pending", "run the same again; that is safe"} {
				if !strings.Contains(errs, want) {
					t.Errorf("%q lacks %q", errs, want)
				}
			}
		})
	}
}

func TestTheSecondSignalIsHeardToo(t *testing.T) {
	ctx, insisted, stop := interrupts(t.Context())
	defer stop()
	signal := func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	<-ctx.Done()
	select {
	case <-insisted:
		t.Error("the first signal counts as two")
	default:
	}
	signal()
	<-insisted
}
