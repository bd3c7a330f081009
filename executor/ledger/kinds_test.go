package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
)

// words read "V1 R__a B2": what a folder or a run has, each with its own text
// behind a slash if that matters.
func migrations(text string) (all []executor.Migration) {
	for word := range strings.FieldsSeq(text) {
		name, sum, _ := strings.Cut(word, "/")
		m := executor.Migration{Version: name[1:], Kind: executor.Versioned, Path: name + ".sql", Checksum: sum}
		switch name[0] {
		case 'R':
			m.Version, m.Kind = name, executor.Repeatable
		case 'B':
			m.Kind = executor.Baseline
		case 'C': // a changeset: its version is no number
			m.Version = "a.sql::" + name
		}
		all = append(all, m)
	}
	return all
}

// rows are of such migrations; what stands behind = is the state.
func rows(text string) ledger.Ledger {
	l := ledger.Ledger{}
	for word := range strings.FieldsSeq(text) {
		word, state, _ := strings.Cut(word, "=")
		m := migrations(word)[0]
		r := ledger.Row{Kind: ledger.Kind(m), Version: m.Version, Checksum: m.Checksum, State: ledger.Applied}
		if state == "up" {
			r.Note = ledger.BringUp
		} else if state != "" {
			r.State = state
		}
		l.Put(r)
	}
	return l
}

var verdicts = map[ledger.Verdict]string{
	ledger.Apply: "apply", ledger.Have: "have", ledger.Skip: "skip", ledger.Gone: "gone", ledger.Leave: "leave",
	ledger.Accept: "accept", ledger.Undo: "undo", ledger.UndoneBefore: "undone",
}

func decided(f ledger.Facts) string {
	all, err := ledger.Decide(f)
	if err != nil {
		return err.Error()
	}
	return words(all)
}

func words(all []ledger.Decision) string {
	var words []string
	for _, d := range all {
		word := verdicts[d.Verdict] + " " + strings.TrimSuffix(d.Migration.Path, ".sql")
		if d.Replaces != nil {
			word += " for " + d.Replaces.Checksum
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func TestDecideByKind(t *testing.T) {
	for name, c := range map[string]struct {
		folder, run, ledger string
		empty               bool
		want                string
	}{
		"a repeatable one runs once":                 {run: "V1 Ra/x", ledger: "V1 Ra/x", want: "have V1, have Ra"},
		"and again when its text has changed":        {run: "V1 Ra/y", ledger: "V1 Ra/x", want: "have V1, apply Ra for x"},
		"goes on where it was cut":                   {run: "Ra/y", ledger: "Ra/y=partial", want: "apply Ra"},
		"a baselined one too":                        {run: "Ra/y", ledger: "Ra/x=baseline", want: "apply Ra for x"},
		"a skip is of one text":                      {run: "Ra/y", ledger: "Ra/x=skipped", want: "apply Ra for x"},
		"it has no place among numbers":              {run: "Ra/x", ledger: "V7", want: "apply Ra"},
		"older repeatables are no gap":               {folder: "V1 Ra/x Rb/x", run: "Rb/x", ledger: "V1", want: "apply Rb"},
		"older versions are":                         {folder: "V1 V2 Ra/x", run: "Ra/x", ledger: "V1", want: "the database's ledger lacks 1 older files of the folder, from V2.sql to V2.sql; if another tool applied them, take its history over with shipsql migrate adopt; if they are there all the same, record that with shipsql migrate baseline --to 2; otherwise run shipsql migrate up --to 2"},
		"an empty database gets all, in order":       {folder: "V1 V2 Ra/x Rb/x", run: "V2 Ra/x", empty: true, want: "apply V1, apply V2, apply Ra, apply Rb"},
		"a baseline replaces what is older":          {folder: "V1 V2 B2 V3", run: "V3", empty: true, want: "apply B2, apply V3"},
		"the newest one":                             {folder: "B2 V9 B10 V11", run: "V11", empty: true, want: "apply B10, apply V11"},
		"one that the run itself brings":             {run: "V1 V2 B2 V3", empty: true, want: "have V1, have V2, apply B2, apply V3"},
		"not where there is a history":               {folder: "V1 V2 B2 V3", run: "V3", ledger: "V1 V2", want: "apply V3"},
		"nor where there are tables":                 {run: "V1 B2", want: "apply V1, leave B2"},
		"what it did is there":                       {folder: "V1 V2 B2 V3", run: "V3", ledger: "B2", want: "apply V3"},
		"also when its file is gone":                 {folder: "V1 V2 V3", run: "V2 V3", ledger: "B2", want: "have V2, apply V3"},
		"a version below it is there, too":           {run: "V1 B2 V3", ledger: "B2 V3", want: "have V1, have B2, have V3"},
		"it goes on where it was cut":                {run: "V1 B2 V3", ledger: "B2=partial", want: "have V1, apply B2, apply V3"},
		"and bringing up with it":                    {folder: "V1 B2 V3 V4", run: "V4", ledger: "B2=up", want: "apply V3, apply V4"},
		"changesets run in the folder's order":       {folder: "C9 C1 C5", run: "C5 C1", ledger: "C9", want: "apply C1, apply C5"},
		"one between others is in order":             {folder: "C1 C2 C3", run: "C2", ledger: "C1 C3", want: "apply C2"},
		"one that the ledger lacks before it is not": {folder: "C1 C2 C3", run: "C3", ledger: "C2", want: "the database's ledger lacks 1 older files of the folder, from C1.sql to C1.sql; if another tool applied them, take its history over with shipsql migrate adopt; if they are there all the same, record that with shipsql migrate baseline --to a.sql::C1; otherwise run shipsql migrate up --to a.sql::C1"},
		"one behind it is none of its business":      {folder: "C1 C2 C3", run: "C2", ledger: "C1", want: "apply C2"},
		"numbers are compared by number, as ever":    {run: "V9", ledger: "V10", want: "V9.sql: version 9 is below 10, which the database has already; give the file a version above it, or allow out-of-order migrations"},
		"a repeatable's name is no versioned's":      {run: "V1 RV1/x", ledger: "RV1/x", want: "apply V1, have RV1"},
		"a changed versioned one stays a stop":       {run: "V1/y", ledger: "V1/x", want: "V1.sql: version 1 was applied with another text (checksum x, now y); put the old text back and write the change as a new migration, or have the edit accepted"},
		"names after numbers don't make those late":  {run: "V2", ledger: "V1 C1", want: "apply V2"},
	} {
		t.Run(name, func(t *testing.T) {
			run := executor.Run{Migrations: migrations(c.run), Folder: migrations(c.folder)}
			got := decided(ledger.Facts{Run: run, Ledger: rows(c.ledger), Empty: c.empty})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusByKind(t *testing.T) {
	for name, c := range map[string]struct{ folder, ledger, want string }{
		"a repeatable one is pending again": {"V1 Ra/y Rb/x", "V1 Ra/x Rb/x", "V1 applied, Ra pending, Rb applied"},
		"what a baseline did":               {"V1 V2 B2 V3", "B2 V3", "V1 baseline, V2 baseline, B2 applied, V3 applied"},
		"a baseline for others":             {"V1 B2 V3", "V1", "V1 applied, B2 skipped, V3 pending"},
		"nothing yet":                       {"V1 B2 Ra/x", "", "V1 pending, B2 pending, Ra pending"},
		"the folder's order":                {"C9 C1", "C9", "C9 applied, C1 pending"},
		"what is missing has its place":     {"V1 V3", "V1 V2 V4 V3", "V1 applied, 2 missing, V3 applied, 4 missing"},
	} {
		t.Run(name, func(t *testing.T) {
			var words []string
			for _, e := range ledger.Status(rows(c.ledger), migrations(c.folder)) {
				label := strings.TrimSuffix(e.Path, ".sql")
				if label == "" {
					label = e.Version
				}
				words = append(words, fmt.Sprintf("%s %s", label, e.State))
			}
			if diff := cmp.Diff(c.want, strings.Join(words, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
