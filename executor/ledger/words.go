package ledger

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/plural"
)

// BringUp is the note of what runs only to bring an empty database up to the
// release. As long as a history holds nothing else, bringing up isn't over.
const BringUp = "brought up from an empty database"

func changedAfterApply(r *Row, m executor.Migration) error {
	return fault.New(fault.ChangedAfterApply, "version %s was applied with another text (checksum %.12s, now %.12s)", m.Version, r.Checksum, m.Checksum).
		At(m.Path).Then("put the old text back and write the change as a new migration, or have the edit accepted")
}

// PartlyApplied refuses to skip what has begun.
func PartlyApplied(r *Row, path string) error { return partlyApplied(r, path, "skipped") }

func partlyApplied(r *Row, path, what string) error {
	return fault.New(fault.Conflict, "version %s is partly applied (%s done), so it can't be %s", r.Version, plural.Count(r.Done(), "statement"), what).At(path).
		Then("correct the rest of the file and run it again; what is done stays")
}

// stillAmbiguous repeats the question that an earlier run left.
func stillAmbiguous(r *Row, m executor.Migration) error {
	e := &executor.AmbiguousError{Version: m.Version, Path: m.Path, Evidence: "an earlier run was cut while it ran"}
	for n, s := range r.underWay() {
		if s.State != StepDone {
			e.Statement = n
		}
	}
	text := m.SQL
	if r.UndoSteps != nil {
		text, e.Path = m.Down, m.DownFile()
	}
	if statements := m.Form.Split(text); e.Statement > 0 && e.Statement <= len(statements) {
		e.Line = statements[e.Statement-1].Line
	}
	return e
}

const acceptedEdit = "edit accepted: "

func acceptNote(applied, accepted string) string {
	return fmt.Sprintf("%s%s; applied was %s", acceptedEdit, accepted, applied)
}

// accepted says that the ledger's note holds the acceptance of this text.
func accepted(r *Row, checksum string) bool {
	return strings.Contains(r.Note, acceptedEdit+checksum)
}

// SkipNote is the record of an audited skip.
func SkipNote(m executor.Mark) string {
	return strings.TrimSpace(fmt.Sprintf("skipped by %s: %s", m.Actor, m.Reason))
}

// Skippable refuses to skip what took effect, even partly. path names the file.
func Skippable(r *Row, path string) error {
	switch {
	case r == nil || r.State == Skipped || r.State == Undone:
		return nil
	case r.UndoSteps != nil:
		return partlyUndone(r, executor.Migration{Version: r.Version, Path: path})
	case r.State == Partial || r.State == Ambiguous:
		return PartlyApplied(r, path)
	}
	return fault.New(fault.Conflict, "version %s is recorded as %s, so it can't be skipped", r.Version, r.State).At(path).Then("write a new migration that takes it back")
}

// MarkNote is the record of a person's word, e.g. "baseline by ann: as told".
func MarkNote(what string, m executor.Mark) string {
	if m.Actor != "" {
		what += " by " + m.Actor
	}
	if m.Reason != "" {
		what += ": " + m.Reason
	}
	return what
}
