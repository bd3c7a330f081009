package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/plural"
)

// Status joins the ledger with the folder, in the folder's order; what the folder
// lacks stands by its version.
func Status(l Ledger, folder []executor.Migration) []executor.Entry {
	entries := make([]executor.Entry, 0, max(len(l), len(folder)))
	seen, base := map[string]bool{}, l.base()
	for _, m := range folder {
		seen[keyOf(m)] = true
		e := entry(l.Of(m), &m)
		if l.Of(m) == nil {
			withoutRow(&e, m, base, len(l) > 0)
		}
		entries = append(entries, e)
	}
	var missing []executor.Entry
	for key, r := range l {
		if !seen[key] {
			missing = append(missing, entry(r, nil))
		}
	}
	slices.SortFunc(missing, func(a, b executor.Entry) int {
		return cmp.Or(executor.CompareVersions(a.Version, b.Version), cmp.Compare(a.Version, b.Version))
	})
	for _, e := range missing {
		i := slices.IndexFunc(entries, func(x executor.Entry) bool { return executor.CompareVersions(x.Version, e.Version) > 0 })
		if i < 0 {
			i = len(entries)
		}
		entries = slices.Insert(entries, i, e)
	}
	return entries
}

// withoutRow says what a migration without a row is when not pending: what a
// baseline did is there, and a baseline on a database that has a history is for
// others.
func withoutRow(e *executor.Entry, m executor.Migration, base *executor.Migration, history bool) {
	covers := base != nil && executor.IsNumeric(m.Version) && executor.CompareVersions(m.Version, base.Version) <= 0
	switch {
	case m.Kind == executor.Baseline && history:
		e.State, e.Note = executor.StateSkipped, "it is for empty databases only"
	case m.Kind != executor.Repeatable && covers:
		e.State, e.Note = executor.StateBaseline, "the baseline "+base.Version+" did it"
	}
}

// entry describes a migration that the ledger, the folder, or both know.
func entry(r *Row, m *executor.Migration) executor.Entry {
	e := executor.Entry{State: executor.StatePending}
	if m != nil {
		e.Kind = executor.Kind(Kind(*m))
		e.Version, e.Name, e.Path, e.Change, e.Checksum = m.Version, m.Name, m.Path, m.Change, m.Checksum
		e.Total = len(m.Statements())
	}
	if r == nil {
		return e
	}
	e.Kind = executor.Kind(r.Kind)
	e.Version, e.Checksum, e.State = cmp.Or(e.Version, r.Version), r.Checksum, state(r, m) // as the folder spells it
	e.Name = cmp.Or(e.Name, r.Name)
	e.Release, e.Actor, e.Note, e.AppliedAt = r.Release, r.Actor, r.Note, r.StartedAt.UTC()
	e.Done = r.Done()
	if r.UndoSteps != nil {
		undoing(&e, r, m)
	}
	if r.State == Applied {
		e.Done = e.Total
		if r.FinishedAt != nil {
			e.Duration = r.FinishedAt.Sub(r.StartedAt)
		}
	}
	return e
}

// undoing has an entry tell of the undo that is under way: of its statements, and
// first of all what to do.
func undoing(e *executor.Entry, r *Row, m *executor.Migration) {
	e.Total = 0
	if m != nil {
		e.Total = len(m.Form.Split(m.Down))
	}
	next := "go on with shipsql migrate down"
	for n := range r.UndoSteps {
		if r.asksFor(n) {
			next = fmt.Sprintf("look at the database, then answer with shipsql migrate resolve '%s#%d' applied, or retry", r.Version, n)
		}
	}
	note := fmt.Sprintf("its undo is under way, %d of %s done; %s", e.Done, plural.Count(e.Total, "statement"), next)
	e.Note = strings.TrimSuffix(note+"\n"+e.Note, "\n")
}

// state is the stored state, unless folder and ledger disagree about something
// that took effect.
func state(r *Row, m *executor.Migration) executor.State {
	switch {
	case m == nil && r.State == Applied:
		return executor.StateMissing
	case m != nil && m.Kind == executor.Repeatable && outlived(r, *m):
		return executor.StatePending // again
	case m != nil && changed(r, *m):
		return executor.StateChanged
	}
	return executor.State(r.State)
}

// changed says that a migration's text isn't the one that was applied, and
// nobody accepted that.
func changed(r *Row, m executor.Migration) bool {
	return (r.State == Applied || r.State == Baseline) && r.Checksum != m.Checksum && !accepted(r, m.Checksum)
}
