package ledger

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// Status joins the ledger with the folder, ordered by version.
func Status(l Ledger, folder []executor.Migration) []executor.Entry {
	entries := make([]executor.Entry, 0, max(len(l), len(folder)))
	seen := map[string]bool{}
	for _, m := range folder {
		seen[executor.VersionKey(m.Version)] = true
		entries = append(entries, entry(l.Find(m.Version), &m))
	}
	for key, r := range l {
		if !seen[key] {
			entries = append(entries, entry(r, nil))
		}
	}
	slices.SortStableFunc(entries, func(a, b executor.Entry) int {
		return cmp.Or(executor.CompareVersions(a.Version, b.Version), cmp.Compare(a.Version, b.Version))
	})
	return entries
}

// entry describes a migration that the ledger, the folder, or both know.
func entry(r *Row, m *executor.Migration) executor.Entry {
	e := executor.Entry{Kind: executor.Versioned, State: executor.StatePending}
	if m != nil {
		e.Version, e.Name, e.Path, e.Change, e.Checksum = m.Version, m.Name, m.Path, m.Change, m.Checksum
		e.Total = len(m.Statements())
	}
	if r == nil {
		return e
	}
	e.Version, e.Checksum, e.State = r.Version, r.Checksum, state(r, m)
	e.Name = cmp.Or(e.Name, r.Name)
	e.Release, e.Actor, e.Note, e.AppliedAt = r.Release, r.Actor, r.Note, r.StartedAt.UTC()
	e.Done = r.Done()
	if r.UndoSteps != nil {
		e.Note = strings.TrimPrefix(e.Note+"\nan undo is under way", "\n")
	}
	if r.State == Applied {
		e.Done = e.Total
		if r.FinishedAt != nil {
			e.Duration = r.FinishedAt.Sub(r.StartedAt)
		}
	}
	return e
}

// state is the stored state, unless folder and ledger disagree about something
// that took effect.
func state(r *Row, m *executor.Migration) executor.State {
	switch {
	case m == nil && r.State == Applied:
		return executor.StateMissing
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
