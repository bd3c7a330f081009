package ledger_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

// with puts a step into the only row of a ledger.
func with(l ledger.Ledger, kind string, s ledger.Step) ledger.Ledger {
	for _, r := range l {
		if err := l.PutStep(kind, r.Version, s); err != nil {
			panic(err)
		}
	}
	return l
}

func TestDecide(t *testing.T) {
	skip := map[string]executor.Mark{"1": {Actor: "ann", Reason: "no"}, "4": {Reason: "later"}}
	intent := ledger.Step{N: 1, State: ledger.StepIntent}
	for name, c := range map[string]struct {
		run    executor.Run
		ledger ledger.Ledger
		empty  bool
		want   string
		code   fault.Code
	}{
		"nothing known":              {run: executor.Run{Migrations: migrations("V1 V2")}, want: "apply V1, apply V2"},
		"some known":                 {run: executor.Run{Migrations: migrations("V1 V2")}, ledger: rows("V1"), want: "have V1, apply V2"},
		"equal by number":            {run: executor.Run{Migrations: migrations("V01 V2.0")}, ledger: rows("V1 V2"), want: "have V01, have V2.0"},
		"partly applied":             {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1=partial"), want: "apply V1"},
		"a baseline":                 {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1=baseline"), want: "have V1"},
		"skipped before":             {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1=skipped"), want: "gone V1"},
		"undone":                     {run: executor.Run{Migrations: migrations("V1/y")}, ledger: rows("V1/x=undone"), want: "apply V1 for x"},
		"undone, and skipped now":    {run: executor.Run{Migrations: migrations("V1"), Skip: skip}, ledger: rows("V1=undone"), want: "skip , skip V1 for "},
		"skipped now":                {run: executor.Run{Migrations: migrations("V1 V2"), Skip: skip}, want: "skip , skip V1, apply V2"},
		"skipped, and applied":       {run: executor.Run{Migrations: migrations("V1"), Skip: skip}, ledger: rows("V1 V4"), want: "have V1"},
		"skipped, and partly there":  {run: executor.Run{Migrations: migrations("V1"), Skip: skip}, ledger: rows("V1=partial V4"), code: fault.Conflict},
		"another text":               {run: executor.Run{Migrations: migrations("V1/y")}, ledger: rows("V1/x"), code: fault.ChangedAfterApply},
		"another text, accepted":     {run: executor.Run{Migrations: migrations("V1/y"), Accept: map[string]string{"1.0": "y"}}, ledger: rows("V1/x"), want: "accept V1"},
		"a third text":               {run: executor.Run{Migrations: migrations("V1/z"), Accept: map[string]string{"1": "y"}}, ledger: rows("V1/x"), code: fault.ChangedAfterApply},
		"late":                       {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V2"), code: fault.OutOfOrder},
		"late, allowed":              {run: executor.Run{Migrations: migrations("V1"), OutOfOrder: true}, ledger: rows("V2"), want: "apply V1"},
		"not late for a skipped one": {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V2=skipped"), want: "apply V1"},
		"not late for an undone one": {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V2=undone"), want: "apply V1"},
		"ambiguous":                  {run: executor.Run{Migrations: migrations("V1")}, ledger: with(rows("V1=ambiguous"), "versioned", intent), code: fault.Ambiguous},
		"half undone":                {run: executor.Run{Migrations: migrations("V1")}, ledger: with(rows("V1=partial"), ledger.UndoStep, intent), code: fault.Conflict},
		"a gap":                      {run: executor.Run{Migrations: migrations("V3"), Folder: migrations("V1 V2 V3")}, ledger: rows("V1"), code: fault.Conflict},
		"an empty database":          {run: executor.Run{Migrations: migrations("V3"), Folder: migrations("V1 V2 V3 V4")}, empty: true, want: "apply V1, apply V2, apply V3"},
		"no such state":              {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1=finished"), code: fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := ledger.Decide(ledger.Facts{Run: c.run, Ledger: c.ledger, Empty: c.empty})
			if fault.CodeOf(err) != c.code {
				t.Fatalf("error %v, want code %q", err, c.code)
			}
			if diff := cmp.Diff(c.want, words(all)); diff != "" && err == nil {
				t.Error(diff)
			}
		})
	}
}

func TestDecideUndo(t *testing.T) {
	down := func(text string) []executor.Migration {
		all := migrations(text)
		for i := range all {
			all[i].Down = "select 1"
		}
		return all
	}
	done := ledger.Step{N: 1, State: ledger.StepDone}
	for name, c := range map[string]struct {
		run    executor.Run
		ledger ledger.Ledger
		want   string
		code   fault.Code
	}{
		"the last first":           {run: executor.Run{Migrations: down("V1 V2")}, ledger: rows("V1 V2"), want: "undo V2, undo V1"},
		"a baseline":               {run: executor.Run{Migrations: down("V1")}, ledger: rows("V1=baseline"), want: "undo V1"},
		"undone before":            {run: executor.Run{Migrations: down("V1 V2")}, ledger: rows("V1 V2=undone"), want: "undone V2, undo V1"},
		"undone before, no text":   {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1=undone"), want: "undone V1"},
		"the rest":                 {run: executor.Run{Migrations: down("V1")}, ledger: with(rows("V1=partial"), ledger.UndoStep, done), want: "undo V1"},
		"no text":                  {run: executor.Run{Migrations: migrations("V1")}, ledger: rows("V1"), code: fault.Unsupported},
		"a repeatable one":         {run: executor.Run{Migrations: down("Ra")}, ledger: rows("Ra"), code: fault.Unsupported},
		"not applied":              {run: executor.Run{Migrations: down("V1")}, code: fault.Conflict},
		"skipped":                  {run: executor.Run{Migrations: down("V1")}, ledger: rows("V1=skipped"), code: fault.Conflict},
		"partly applied":           {run: executor.Run{Migrations: down("V1")}, ledger: with(rows("V1=partial"), "versioned", done), code: fault.Conflict},
		"ambiguous":                {run: executor.Run{Migrations: down("V1")}, ledger: with(rows("V1=ambiguous"), ledger.UndoStep, ledger.Step{N: 1, State: ledger.StepIntent}), code: fault.Ambiguous},
		"another text was applied": {run: executor.Run{Migrations: down("V1/y")}, ledger: rows("V1/x"), code: fault.ChangedAfterApply},
		"a later one stays":        {run: executor.Run{Migrations: down("V1"), Folder: migrations("V1 V2")}, ledger: rows("V1 V2"), code: fault.OutOfOrder},
		"which is allowed":         {run: executor.Run{Migrations: down("V1"), Folder: migrations("V1 V2"), OutOfOrder: true}, ledger: rows("V1 V2"), want: "undo V1"},
		"the later one is undone":  {run: executor.Run{Migrations: down("V1"), Folder: migrations("V1 V2 V3")}, ledger: rows("V1 V2=undone V3=skipped"), want: "undo V1"},
		"it goes along":            {run: executor.Run{Migrations: down("V1 V2"), Folder: migrations("V1 V2")}, ledger: rows("V1 V2"), want: "undo V2, undo V1"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := ledger.DecideUndo(ledger.Facts{Run: c.run, Ledger: c.ledger})
			if fault.CodeOf(err) != c.code {
				t.Fatalf("error %v, want code %q", err, c.code)
			}
			if diff := cmp.Diff(c.want, words(all)); diff != "" && err == nil {
				t.Error(diff)
			}
		})
	}
}

// carryOut does to a ledger what an engine does.
func carryOut(l ledger.Ledger, all []ledger.Decision) {
	for _, d := range all {
		m := d.Migration
		if d.Replaces != nil {
			delete(l, ledger.Key(d.Replaces.Kind, d.Replaces.Version))
		}
		r := ledger.Row{Kind: ledger.Kind(m), Version: m.Version, Checksum: m.Checksum, State: ledger.Applied, Note: d.Note}
		switch d.Verdict {
		case ledger.Apply:
			l.Put(r)
		case ledger.Skip:
			r.State = ledger.Skipped
			l.Put(r)
		case ledger.Accept:
			l.Of(m).Note += d.Note
		case ledger.Undo:
			l.Of(m).State = ledger.Undone
		case ledger.Have, ledger.Gone, ledger.UndoneBefore, ledger.Leave:
		}
	}
}

// TestDecideIsStable takes any folder and any ledger: what was decided is carried
// out, and then there is nothing left to do; what is undone is all that a later
// run applies again.
func TestDecideIsStable(t *testing.T) {
	versions := strings.Fields("V1 V2 V3 V4 Ra Rb B2 C1 C2")
	states := []string{"", "=skipped", "=baseline", "=undone", "=partial"}
	rapid.Check(t, func(t *rapid.T) {
		var folder, held []string
		for _, v := range versions {
			sum := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "text")
			folder = append(folder, v+"/"+sum)
			if rapid.Bool().Draw(t, "held") {
				held = append(held, v+"/"+rapid.SampledFrom([]string{sum, sum, "x"}).Draw(t, "applied text")+rapid.SampledFrom(states).Draw(t, "state"))
			}
		}
		all := migrations(strings.Join(folder, " "))
		for i := range all {
			all[i].Down = "select 1"
		}
		l := rows(strings.Join(held, " "))
		run := executor.Run{Migrations: all, Folder: all, OutOfOrder: rapid.Bool().Draw(t, "any order")}
		if rapid.Bool().Draw(t, "skip") {
			run.Skip = map[string]executor.Mark{"3": {Migrations: all[2:3]}}
		}
		empty := len(l) == 0 && rapid.Bool().Draw(t, "empty")
		decisions, err := ledger.Decide(ledger.Facts{Run: run, Ledger: l, Empty: empty})
		if err != nil {
			if fault.CodeOf(err) == fault.Internal {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		for _, d := range decisions {
			if r := l.Of(d.Migration); d.Verdict == ledger.Apply && r != nil && r.State == ledger.Applied && r.Checksum == d.Migration.Checksum {
				t.Fatalf("%s runs again", d.Migration.Path)
			}
		}
		carryOut(l, decisions)
		again, err := ledger.Decide(ledger.Facts{Run: run, Ledger: l})
		if err != nil {
			t.Fatalf("after %s: %v", words(decisions), err)
		}
		for _, d := range again {
			if d.Verdict == ledger.Apply || d.Verdict == ledger.Skip || d.Verdict == ledger.Undo {
				t.Fatalf("after %s: %s", words(decisions), words(again))
			}
		}
		undoAll(t, l, run)
	})
}

// undoAll takes back the versions that are applied and applies them again.
func undoAll(t *rapid.T, l ledger.Ledger, run executor.Run) {
	var there []executor.Migration
	for _, m := range run.Migrations {
		if r := l.Of(m); m.Kind == executor.Versioned && r != nil && r.State == ledger.Applied {
			there = append(there, m)
		}
	}
	back, err := ledger.DecideUndo(ledger.Facts{Run: executor.Run{Migrations: there}, Ledger: l})
	if err != nil || len(back) != len(there) {
		t.Fatalf("undo of %d: %s, %v", len(there), words(back), err)
	}
	carryOut(l, back)
	forth, err := ledger.Decide(ledger.Facts{Run: executor.Run{Migrations: there, OutOfOrder: true}, Ledger: l})
	if err != nil {
		t.Fatalf("after the undo: %v", err)
	}
	for _, d := range forth {
		if d.Verdict != ledger.Apply || d.Replaces == nil {
			t.Fatalf("after the undo: %s", words(forth))
		}
	}
}

func TestCheck(t *testing.T) {
	for name, l := range map[string]ledger.Ledger{
		"a kind":                {"x": {Kind: "other", State: ledger.Applied}},
		"a state":               {"1": {Kind: "versioned", State: "done"}},
		"a step's state":        with(rows("V1=partial"), "versioned", ledger.Step{N: 1, State: "ok"}),
		"a step not done":       with(rows("V1"), "versioned", ledger.Step{N: 1, State: ledger.StepIntent}),
		"a step left out":       with(rows("V1=partial"), "versioned", ledger.Step{N: 2, State: ledger.StepDone}),
		"ambiguous, no reason":  rows("V1=ambiguous"),
		"an undo's step's hole": with(rows("V1=partial"), ledger.UndoStep, ledger.Step{N: 3, State: ledger.StepDone}),
	} {
		if err := l.Check(); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "isn't as ShipSQL left it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (ledger.Ledger{}).PutStep("versioned", "1", ledger.Step{N: 1}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a step of no migration: %v", err)
	}
	fine := with(rows("V1=partial"), "versioned", ledger.Step{N: 1, State: ledger.StepIntent})
	if err := fine.Check(); err != nil {
		t.Error(err)
	}
}
