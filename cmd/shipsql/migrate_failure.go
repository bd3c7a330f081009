package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/plural"
)

// errorReport is an error in JSON: what went wrong and where, what is left of
// it, and what to do.
type errorReport struct {
	Code      fault.Code `json:"code"`
	Message   string     `json:"message"`
	Path      string     `json:"path,omitempty"`
	Line      int        `json:"line,omitempty"`
	Statement int        `json:"statement,omitempty"`
	SQLState  string     `json:"sqlstate,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Hint      string     `json:"hint,omitempty"`
	Left      string     `json:"left,omitempty"` // what is applied of the file, in words
	Next      string     `json:"next,omitempty"` // the command to run next

	version string // of the migration it is about
}

// failedReport is the JSON of a command that has nothing else to say.
type failedReport struct {
	Version int          `json:"version"`
	Error   *errorReport `json:"error"`
}

func (failedReport) text(io.Writer) {}

func describe(err error) *errorReport {
	if err == nil {
		return nil
	}
	r := &errorReport{Code: fault.CodeOf(err), Message: err.Error()}
	var failure *executor.Failure
	var ambiguous *executor.AmbiguousError
	switch {
	case errors.As(err, &failure):
		r.Path, r.Line, r.Statement, r.version = failure.Path, failure.Line, failure.Statement, failure.Version
		r.SQLState, r.Detail, r.Hint = failure.SQLState, failure.Detail, failure.Hint
	case errors.As(err, &ambiguous):
		r.Path, r.Line, r.Statement, r.version = ambiguous.Path, ambiguous.Line, ambiguous.Statement, ambiguous.Version
	}
	return r
}

// aftermath completes the description of a run's failure: what is applied and
// what isn't, as the ledger has it now, and the next command. verb is the
// command that failed, "up" or "down".
func (m *migrateTarget) aftermath(t *terminal, on *migration, verb string, err error) *errorReport {
	r := describe(err)
	if r == nil {
		return nil
	}
	r.Left = m.left(t, on, r.version)
	r.Next = m.next(r, verb, err)
	return r
}

// stateAfter is how long the database is asked once more after a failure.
const stateAfter = 10 * time.Second

// left says what the ledger has now. A database that does not answer is no news.
func (m *migrateTarget) left(t *terminal, on *migration, version string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), stateAfter)
	defer cancel()
	entries, err := on.target.Status(ctx, m.History, on.folder)
	if err != nil {
		return ""
	}
	counts := map[executor.State]int{}
	about := ""
	for _, e := range entries {
		counts[e.State]++
		if version != "" && executor.VersionKey(e.Version) == executor.VersionKey(version) {
			about = standing(e) + "; "
		}
	}
	var parts []string
	for _, s := range []executor.State{
		executor.StateApplied, executor.StateBaseline, executor.StateSkipped, executor.StatePartial, executor.StateAmbiguous,
		executor.StateChanged, executor.StateMissing, executor.StateUndone, executor.StatePending,
	} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	return about + "the ledger has: " + strings.Join(parts, ", ")
}

// standing says what is there of the file that failed.
func standing(e executor.Entry) string {
	switch e.State {
	case executor.StatePending, executor.StateUndone:
		return "nothing of this file is applied"
	case executor.StatePartial, executor.StateAmbiguous:
		return fmt.Sprintf("%d of this file's %s are done and stay", e.Done, plural.Count(e.Total, "statement"))
	}
	return "this file is " + string(e.State)
}

// next is the command that follows.
func (m *migrateTarget) next(r *errorReport, verb string, err error) string {
	var ambiguous *executor.AmbiguousError
	again := m.again(verb)
	switch {
	case errors.As(err, &ambiguous):
		return fmt.Sprintf("look at the database, then %s, or … retry", m.again("resolve '"+ambiguous.Step()+"' applied"))
	case r.Code == fault.LockTimeout, r.Code == fault.Unreachable:
		return "run the same again; that is safe: " + again
	case r.Code == fault.OutOfOrder:
		return "if that is meant: " + m.again(verb+" --out-of-order")
	case r.version != "" && verb == "down":
		return "correct the down part of " + r.Path + ", then " + again
	case r.version != "":
		return "correct " + r.Path + ", then " + again
	}
	return ""
}

// again is this command line with another verb. A URL may hold a password, so
// only references are repeated.
func (m *migrateTarget) again(verb string) string {
	database := "URL"
	if strings.HasPrefix(m.Database, "env:") || strings.HasPrefix(m.Database, "file:") {
		database = m.Database
	}
	line := fmt.Sprintf("shipsql migrate %s --database %s --dir %s", verb, database, m.Dir)
	if m.History != executor.DefaultHistory {
		line += " --history " + m.History
	}
	return line
}

// told gives an error the lines that a person at a terminal wants to see too.
func (r *errorReport) told(err error) error {
	if r == nil {
		return err
	}
	for _, line := range []struct{ label, text string }{{"detail", r.Detail}, {"hint", r.Hint}, {"state", r.Left}, {"next", r.Next}} {
		if line.text != "" {
			err = fmt.Errorf("%w\n  %s: %s", err, line.label, line.text)
		}
	}
	return err
}
