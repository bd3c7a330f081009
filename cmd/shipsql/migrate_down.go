package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/plural"
)

type migrateDownCmd struct {
	migrateTarget
	runFlags

	To  string `help:"Take back everything above this version; 0: everything. Default: the newest applied one alone." placeholder:"VERSION"`
	Yes bool   `help:"Do it. Without it, only say what would be done."`
}

// Run takes migrations back.
func (c *migrateDownCmd) Run(t *terminal) error {
	return c.use(t, func(m *migration) error {
		report := downReport{Version: 1, Engine: m.engine.Name(), History: c.History, Migrations: []downMigration{}}
		chosen, err := c.choose(t, m)
		if err == nil {
			report.foresee(chosen)
			err = c.undo(t, m, chosen, &report)
		}
		report.Error = c.aftermath(t, m, "down", err)
		return errors.Join(m.print(t, &report), report.Error.told(err))
	})
}

// choose finds what is to be taken back, in the folder's order.
func (c *migrateDownCmd) choose(t *terminal, m *migration) ([]executor.Migration, error) {
	entries, err := m.target.Status(t.ctx, c.History, m.folder)
	if err != nil {
		return nil, err
	}
	above, err := c.above(m)
	if err != nil {
		return nil, err
	}
	states := map[string]executor.State{}
	for _, e := range entries {
		if e.Kind == executor.Versioned { // a baseline may have the same number
			states[e.Version] = e.State
		}
		if e.State == executor.StateMissing && above(e.Version) {
			return nil, fault.New(fault.Conflict, "version %s was applied here, and the folder has no such file", e.Version).Then("put its file and down file back")
		}
	}
	var chosen []executor.Migration
	for _, x := range slices.Backward(m.folder) {
		if x.Kind != executor.Versioned || !above(x.Version) || !undoable(states[x.Version]) {
			continue
		}
		chosen = append(chosen, x)
		if c.To == "" {
			break
		}
	}
	slices.Reverse(chosen)
	return chosen, downless(chosen)
}

// undoable leaves out what has left nothing here. What another tool applied
// (baseline) has its way back, too; what is partial or ambiguous the engine
// refuses, in its words.
func undoable(s executor.State) bool {
	switch s {
	case "", executor.StatePending, executor.StateSkipped, executor.StateUndone:
		return false
	}
	return true
}

// above says whether a version lies above --to.
func (c *migrateDownCmd) above(m *migration) (func(string) bool, error) {
	if c.To == "" || c.To == "0" {
		return func(string) bool { return true }, nil
	}
	to, err := m.index(c.To)
	if err != nil {
		return nil, err
	}
	place := map[string]int{}
	for i, x := range m.folder {
		place[executor.VersionKey(x.Version)] = i
	}
	return func(version string) bool {
		if i, known := place[executor.VersionKey(version)]; known {
			return i > to
		}
		return executor.CompareVersions(version, c.To) > 0
	}, nil
}

// downless refuses what has no way back, all of it at once.
func downless(chosen []executor.Migration) error {
	var paths []string
	for _, x := range chosen {
		if !x.Undoable() {
			paths = append(paths, x.Path)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	return fault.New(fault.Unsupported, "there is no down file for %s", strings.Join(paths, ", ")).
		Then("write one (for 1_x.sql: 1_x.down.sql), or write a new migration that takes the change back")
}

func (c *migrateDownCmd) undo(t *terminal, m *migration, chosen []executor.Migration, report *downReport) error {
	if len(chosen) == 0 {
		return nil
	}
	if !c.Yes {
		return fault.New(fault.Denied, "nothing was taken back").Then("read the plan, then add --yes")
	}
	run, err := c.ready(t, m, &c.migrateTarget)
	if err != nil {
		return err
	}
	run.Migrations = chosen
	defer t.follow(&run, c.Format)()
	defer t.interruptible(&run)()
	result, err := m.target.Undo(t.ctx, run)
	for _, o := range result.Outcomes {
		report.done(o)
	}
	return err
}

// downReport is the JSON of migrate down.
type downReport struct {
	Version    int             `json:"version"`
	Engine     string          `json:"engine"`
	History    string          `json:"history"`
	Migrations []downMigration `json:"migrations"` // in the order they are taken back: newest first
	Error      *errorReport    `json:"error,omitempty"`
}

type downMigration struct {
	Version    string               `json:"version"`
	Path       string               `json:"path"` // of the file with the way back
	Outcome    executor.OutcomeKind `json:"outcome"`
	DurationMS int64                `json:"duration_ms"`
	Statements int                  `json:"statements"`
	Loses      []string             `json:"loses,omitempty"` // statements that drop data
	Notes      []string             `json:"notes,omitempty"`
}

// wouldUndo is the outcome before --yes.
const wouldUndo executor.OutcomeKind = "would_undo"

// foresee lists what is to be taken back.
func (r *downReport) foresee(chosen []executor.Migration) {
	for _, m := range slices.Backward(chosen) {
		statements := m.Form.Split(m.Down)
		var loses []string
		for _, s := range statements {
			if dropsData.MatchString(s.Text) {
				loses = append(loses, excerpt(s.Text))
			}
		}
		r.Migrations = append(r.Migrations, downMigration{Version: m.Version, Path: m.DownFile(), Outcome: wouldUndo, Statements: len(statements), Loses: loses})
	}
}

// done notes what became of one.
func (r *downReport) done(o executor.Outcome) {
	for i, m := range r.Migrations {
		if m.Version == o.Version {
			r.Migrations[i].Outcome, r.Migrations[i].DurationMS, r.Migrations[i].Notes = o.Kind, o.Duration.Milliseconds(), o.Notes
		}
	}
}

// dropsData is a hint, not a proof: what a down file commonly loses data by.
var dropsData = regexp.MustCompile(`(?is)^\s*(drop\s+(table|schema|database|materialized)|truncate|delete|alter\s+table\b.*\bdrop\s+(column\b|[^\s]+\s*(,|$)))`)

// excerpt is a statement's beginning, on one line.
func excerpt(sql string) string {
	const most = 60
	text := []rune(strings.Join(strings.Fields(sql), " "))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}

func (r *downReport) text(w io.Writer) {
	counts := map[executor.OutcomeKind]int{}
	for _, m := range r.Migrations {
		counts[m.Outcome]++
		fmt.Fprintf(w, "%s\t%s\t%s\t%d ms\n", strings.ReplaceAll(string(m.Outcome), "_", " "), m.Path, plural.Count(m.Statements, "statement"), m.DurationMS)
		for _, l := range m.Loses {
			fmt.Fprintf(w, "loses data\t%s\t%s\n", m.Path, l)
		}
		for _, note := range m.Notes {
			fmt.Fprintf(w, "note\t%s\t%s\n", m.Path, note)
		}
	}
	if n := counts[wouldUndo]; n > 0 {
		fmt.Fprintf(w, "%d would be taken back\n", n)
		return
	}
	fmt.Fprintf(w, "%d taken back\n", counts[executor.Undone]+counts[executor.AlreadyUndone])
}
