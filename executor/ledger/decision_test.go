package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
)

// TestADecisionKnowsWhatRuns gives each verdict the text, its file and the steps
// that are left of it.
func TestADecisionKnowsWhatRuns(t *testing.T) {
	t.Parallel()
	steps, undone := map[int]ledger.Step{1: {N: 1}}, map[int]ledger.Step{2: {N: 2}}
	d := ledger.Decision{
		Migration: executor.Migration{SQL: "up", Path: "1.up.sql", Down: "down", DownPath: "1.down.sql"},
		Row:       &ledger.Row{Steps: steps, UndoSteps: undone},
	}
	type running struct {
		Undoing    bool
		Text, Path string
		Left       map[int]ledger.Step
	}
	for verdict, want := range map[ledger.Verdict]running{
		ledger.Apply: {false, "up", "1.up.sql", steps},
		ledger.Undo:  {true, "down", "1.down.sql", undone},
	} {
		d.Verdict = verdict
		if diff := cmp.Diff(want, running{d.Undoing(), d.Text(), d.Path(), d.Left()}); diff != "" {
			t.Errorf("verdict %d: %s", verdict, diff)
		}
	}
	if left := (ledger.Decision{}).Left(); left != nil {
		t.Errorf("without a row there are %v left", left)
	}
}

// TestAStepKeepsItsHash guards ledgers that are half-way: their hashes were
// written by an earlier release.
func TestAStepKeepsItsHash(t *testing.T) {
	t.Parallel()
	const want = "92d2ccf3289f2a47ef346b081112d8aeb7a4f2d0f440ade6eec6abbed402992a"
	for _, text := range []string{"SELECT 1\n+ 1", "SELECT 1\r\n+ 1"} {
		if got := ledger.StepHash(text); got != want {
			t.Errorf("%q has the hash %s, want %s", text, got, want)
		}
	}
}
