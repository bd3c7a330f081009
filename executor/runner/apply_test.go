package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// memory is a database that does and undoes things in one step each, and whose
// connection breaks where breaks says.
type memory struct {
	ledger  ledger.Ledger
	effects map[string]int // by path
	breaks  func(where string) bool
	opened  int
	down    bool  // once its connection broke
	cut     error // what the break ends the run with, unless it was committed; nil: it goes on
}

func newMemory() *memory {
	return &memory{ledger: ledger.Ledger{}, effects: map[string]int{}, breaks: func(string) bool { return false }}
}

func (m *memory) open(context.Context, executor.Run) (runner.Session, error) {
	m.opened++
	if m.down && m.opened > 1 {
		return nil, fault.New(fault.Unreachable, "the database can't be reached")
	}
	return link{memory: m}, nil
}

func (m *memory) lost() error {
	if m.cut != nil {
		return &runner.Lost{Err: m.cut, Final: true}
	}
	return &runner.Lost{Err: fault.New(fault.Unreachable, "the connection broke")}
}

// link is a session of it.
type link struct {
	runner.Session // the rest is not used here
	*memory
}

func (l link) Close(context.Context) {}

func (l link) Ledger(context.Context, string) (ledger.Ledger, error) {
	if l.breaks("read") {
		return nil, l.lost()
	}
	read := ledger.Ledger{}
	for key, r := range l.ledger {
		row := *r
		read[key] = &row
	}
	return read, nil
}

func (l link) Compile(_ context.Context, all []ledger.Decision) ([]runner.File, error) {
	var files []runner.File
	for _, d := range all {
		files = append(files, &work{l, d})
	}
	return files, nil
}

func (l link) Mark(_ context.Context, m executor.Mark, state, note string) error {
	for _, x := range m.Migrations {
		l.ledger.Put(ledger.Row{Kind: ledger.Kind(x), Version: x.Version, State: state, Note: note})
	}
	return nil
}

type work struct {
	link
	decision ledger.Decision
}

func (w *work) Decision() *ledger.Decision { return &w.decision }
func (w *work) Total() int                 { return 2 }
func (w *work) Notes() []string            { return nil }

// Run takes effect with its row, or not at all.
func (w *work) Run(context.Context, context.Context) error {
	if w.breaks("before commit") {
		return w.lost()
	}
	m := w.decision.Migration
	row := ledger.Row{Kind: ledger.Kind(m), Version: m.Version, Checksum: m.Checksum, State: ledger.Applied}
	if w.decision.Verdict == ledger.Undo {
		row.State = ledger.Undone
	}
	w.effects[m.Path]++
	w.ledger.Put(row)
	if w.breaks("after commit") {
		return w.lost()
	}
	return nil
}

func folder(n int) (all []executor.Migration) {
	for i := range n {
		v := fmt.Sprint(i + 1)
		all = append(all, executor.Migration{Version: v, Path: v + ".sql", Kind: executor.Versioned, Checksum: v, Down: "down"})
	}
	return all
}

// TestBrokenConnections breaks up to three of them, wherever.
func TestBrokenConnections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, all := newMemory(), folder(rapid.IntRange(1, 4).Draw(t, "migrations"))
		left := 0
		m.breaks = func(where string) bool {
			broken := left > 0 && rapid.Bool().Draw(t, where)
			if broken {
				left--
			}
			return broken
		}
		for _, step := range []struct {
			kind executor.OutcomeKind
			do   func(context.Context, executor.Run, runner.Open) (executor.Result, error)
		}{{executor.Applied, runner.Apply}, {executor.Undone, runner.Undo}, {executor.Applied, runner.Apply}} {
			left, m.opened = 3, 0
			clear(m.effects)
			result, err := step.do(context.Background(), executor.Run{Migrations: all}, m.open)
			if err != nil || m.opened != 4-left {
				t.Fatalf("%s: %v on %d sessions, with %d breaks", step.kind, err, m.opened, 3-left)
			}
			if len(result.Outcomes) != len(all) {
				t.Fatalf("%s: outcomes %+v", step.kind, result.Outcomes)
			}
			for _, o := range result.Outcomes {
				if o.Kind != step.kind || o.Statements != 2 || m.effects[o.Path] != 1 {
					t.Fatalf("%s of %s: %+v, done %d times", step.kind, o.Path, o, m.effects[o.Path])
				}
			}
		}
	})
}

func TestAConnectionThatAlwaysBreaksIsGivenUp(t *testing.T) {
	m := newMemory()
	m.breaks = func(where string) bool { return where == "read" }
	if _, err := runner.Apply(t.Context(), executor.Run{Migrations: folder(1)}, m.open); fault.CodeOf(err) != fault.Unreachable || m.opened != 4 {
		t.Errorf("%v after %d sessions", err, m.opened)
	}
	var lost *runner.Lost
	if _, err := runner.Apply(t.Context(), executor.Run{}, m.open); errors.As(err, &lost) {
		t.Error("the caller sees a Lost")
	}
}

// A statement that was cut isn't tried again: the ledger has it, or the run ends.
func TestAStatementThatWasCut(t *testing.T) {
	for name, c := range map[string]struct {
		breaks string
		down   bool
		want   string
	}{
		"committed":              {breaks: "after commit", want: "1 applied, 2 applied"},
		"not committed":          {breaks: "before commit"},
		"nobody can be asked":    {breaks: "after commit", down: true},
		"nobody can be asked, 2": {breaks: "before commit", down: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, broken := newMemory(), false
			m.down, m.cut = c.down, &executor.Failure{Version: "1", Statement: 2, Code: fault.Unreachable}
			m.breaks = func(where string) bool {
				breaks := where == c.breaks && !broken
				broken = broken || breaks
				return breaks
			}
			result, err := runner.Apply(t.Context(), executor.Run{Migrations: folder(2)}, m.open)
			if kinds(result) != c.want || (c.want == "") != errors.Is(err, m.cut) || c.want != "" && err != nil {
				t.Errorf("%s: %s, %v", name, kinds(result), err)
			}
		})
	}
}

// kinds are a result's outcomes, as "version kind".
func kinds(r executor.Result) string {
	var all []string
	for _, o := range r.Outcomes {
		all = append(all, o.Version+" "+string(o.Kind))
	}
	return strings.Join(all, ", ")
}

func TestOutcomesAndEvents(t *testing.T) {
	m, all := newMemory(), folder(4)
	m.ledger.Put(ledger.Row{Kind: "versioned", Version: "1", Checksum: "1", State: ledger.Applied})
	m.ledger.Put(ledger.Row{Kind: "versioned", Version: "2", State: ledger.Skipped})
	var events []string
	run := executor.Run{
		Migrations: all, Skip: map[string]executor.Mark{"3": {Reason: "no", Migrations: all[2:3]}},
		Progress: func(e executor.Event) { events = append(events, e.Version+" "+string(e.State)) },
	}
	result, err := runner.Apply(t.Context(), run, m.open)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := kinds(result), "1 already_applied, 2 skipped, 3 skipped, 4 applied"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	run.Migrations = []executor.Migration{all[0], all[3]}
	for _, want := range []string{"4 undone, 1 undone", "4 already_undone, 1 already_undone"} {
		result, err := runner.Undo(t.Context(), run, m.open)
		if err != nil || kinds(result) != want {
			t.Errorf("%s, %v, want %s", kinds(result), err, want)
		}
	}
	if diff := cmp.Diff([]string{"3 skipped", "4 applied", "4 undone", "1 undone"}, events); diff != "" {
		t.Error(diff)
	}
}

func TestAJobThatWentToAnotherStopsBeforeTheNextFile(t *testing.T) {
	m, gone := newMemory(), errors.New("gone")
	run := executor.Run{Migrations: folder(3), StillMine: func(context.Context) error {
		if len(m.effects) == 2 {
			return gone
		}
		return nil
	}}
	result, err := runner.Apply(t.Context(), run, m.open)
	if !errors.Is(err, gone) || len(result.Outcomes) != 2 || len(m.effects) != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}
