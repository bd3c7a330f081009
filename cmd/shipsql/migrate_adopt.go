package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

type migrateAdoptCmd struct {
	migrateTarget

	Table  string `help:"The other tool's history table, where it has not the tool's usual name." placeholder:"[SCHEMA.]TABLE"`
	Yes    bool   `help:"Write it. Without it, only say what would be written."`
	Reason string `help:"Why, for the record."`
}

// Run compares the other tool's history with the folder, and records what it
// calls applied.
func (c *migrateAdoptCmd) Run(t *terminal) error {
	return c.use(t, func(m *migration) error {
		report := adoptReport{
			Version: 1, Engine: m.engine.Name(), History: c.History, Layout: m.layout.Layout, Why: m.layout.Why,
			Migrations: []adoptMigration{}, Unknown: []adoptUnknown{},
		}
		err := c.adopt(t, m, &report)
		report.Error = describe(err)
		return errors.Join(m.print(t, &report), err)
	})
}

func (c *migrateAdoptCmd) adopt(t *terminal, m *migration, report *adoptReport) error {
	h, err := c.find(t, m)
	if err != nil {
		return err
	}
	entries, err := m.target.Status(t.ctx, c.History, m.folder)
	if err != nil {
		return err
	}
	folder := history.Folder{Migrations: m.folder, Files: m.files}
	compared := history.Compare(h, folder)
	report.compare(h, compared, m.folder)
	lacking, err := lacking(compared.Applied(folder), entries)
	if err != nil {
		return err
	}
	report.Writes = len(lacking)
	if len(lacking) == 0 {
		return nil
	}
	if !c.Yes {
		return fault.New(fault.Denied, "nothing was written").Then("read the lists, then add --yes")
	}
	reason := strings.TrimSpace("adopted from " + h.Tool + ", " + h.Table + "\n" + c.Reason)
	err = m.target.Baseline(t.ctx, c.mark(reason, lacking...))
	report.Written = err == nil
	return err
}

func (c *migrateAdoptCmd) find(t *terminal, m *migration) (history.History, error) {
	reader, err := m.reader()
	if err != nil {
		return history.History{}, err
	}
	h, err := history.Find(t.ctx, reader, history.Where{Dialect: m.dialect, Tool: m.layout.Layout, Table: c.Table})
	if fault.CodeOf(err) == fault.NotFound && m.layout.Layout == layout.Bytebase {
		return h, fault.New(fault.NotFound, "Bytebase keeps its history in its own database, not here").
			Then("see there which version is applied, then run %s", c.again("baseline --to VERSION"))
	}
	return h, err
}

// lacking returns what the ledger does not know yet. A ledger that says
// something else than the other tool is refused.
func lacking(applied []executor.Migration, entries []executor.Entry) ([]executor.Migration, error) {
	states := map[string]executor.Entry{}
	for _, e := range entries {
		states[e.Version] = e
	}
	var all []executor.Migration
	for _, m := range applied {
		switch state := states[m.Version].State; state {
		case "", executor.StatePending:
			all = append(all, m)
		case executor.StateApplied, executor.StateBaseline:
		default:
			return nil, fault.New(fault.Conflict, "the other tool calls version %s applied, and the ledger %s", m.Version, state).At(m.Path).
				Then("find out which is right; see shipsql migrate status")
		}
	}
	return all, nil
}

// adoptReport is the JSON of migrate adopt.
type adoptReport struct {
	Version    int              `json:"version"`
	Engine     string           `json:"engine"`
	History    string           `json:"history"`
	Layout     string           `json:"layout"`
	Why        string           `json:"layout_why,omitempty"`
	Tool       string           `json:"tool"`
	Table      string           `json:"table"`
	Counts     adoptCounts      `json:"counts"`
	Migrations []adoptMigration `json:"migrations"`
	Unknown    []adoptUnknown   `json:"unknown"`
	Writes     int              `json:"writes"`  // baseline rows that the ledger lacks
	Written    bool             `json:"written"` // and now has
	Error      *errorReport     `json:"error,omitempty"`
}

type adoptCounts struct {
	Applied  int `json:"applied"`  // the checksum proves that this text was
	Changed  int `json:"changed"`  // applied with another text
	Unproven int `json:"unproven"` // applied, and no checksum says with which text
	Pending  int `json:"pending"`
	Late     int `json:"late"`    // of the pending ones, those below the newest applied one
	Unknown  int `json:"unknown"` // recorded, and not in the folder
}

type adoptMigration struct {
	Version string `json:"version"`
	Path    string `json:"path"`
	State   string `json:"state"` // applied, changed, unproven, pending
	Reason  string `json:"reason,omitempty"`
}

type adoptUnknown struct {
	Version string `json:"version"`
	Name    string `json:"name"`
	Script  string `json:"script"`
	Note    string `json:"note,omitempty"`
}

// compare lists the folder's migrations in its order.
func (r *adoptReport) compare(h history.History, c history.Comparison, folder []executor.Migration) {
	r.Tool, r.Table = h.Tool, h.Table
	states := map[string]adoptMigration{}
	for _, m := range c.Proven {
		states[m.Version] = adoptMigration{State: "applied"}
		r.Counts.Applied++
	}
	for _, u := range c.Unproven {
		state := adoptMigration{State: "unproven", Reason: u.Reason}
		if u.Changed {
			state.State = "changed"
			r.Counts.Changed++
		} else {
			r.Counts.Unproven++
		}
		states[u.Version] = state
	}
	for _, m := range c.Pending {
		states[m.Version] = adoptMigration{State: "pending"}
		r.Counts.Pending++
	}
	waiting := 0
	for _, m := range folder {
		s, ok := states[m.Version]
		if !ok {
			continue
		}
		s.Version, s.Path = m.Version, m.Path
		r.Migrations = append(r.Migrations, s)
		switch {
		case m.Kind != executor.Versioned:
		case s.State == "pending":
			waiting++
		default:
			r.Counts.Late, waiting = r.Counts.Late+waiting, 0
		}
	}
	for _, u := range c.Unknown {
		r.Unknown = append(r.Unknown, adoptUnknown{Version: u.Version, Name: u.Name, Script: u.Script, Note: u.Note})
		r.Counts.Unknown++
	}
}

func (r *adoptReport) text(w io.Writer) {
	if r.Tool == "" {
		return
	}
	read := "layout " + r.Layout
	if r.Why != "" {
		read += " (" + r.Why + ")"
	}
	fmt.Fprintf(w, "history of %s: %s; %s\n", r.Tool, r.Table, read)
	fmt.Fprintln(w, "STATE\tVERSION\tFILE\tWHY")
	for _, m := range r.Migrations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.State, m.Version, m.Path, m.Reason)
	}
	for _, u := range r.Unknown {
		fmt.Fprintf(w, "no file\t%s\t%s\t%s\n", u.Version, u.Script, u.Note)
	}
	fmt.Fprintf(w, "%d applied as they are, %d changed since, %d unproven, %d pending; %d recorded without a file\n",
		r.Counts.Applied, r.Counts.Changed, r.Counts.Unproven, r.Counts.Pending, r.Counts.Unknown)
	if r.Counts.Late > 0 {
		fmt.Fprintf(w, "%d pending files are below the newest applied one: migrate up wants --out-of-order for them\n", r.Counts.Late)
	}
	switch {
	case r.Writes == 0:
		fmt.Fprintln(w, "the ledger has all of that: nothing to write")
	case r.Written:
		fmt.Fprintf(w, "%d baseline rows written to the ledger, history %s; %s is left as it is\n", r.Writes, r.History, r.Table)
	default:
		fmt.Fprintf(w, "would write %d baseline rows to the ledger, history %s: the applied, changed and unproven files above, but for those it has; %s is left as it is\n",
			r.Writes, r.History, r.Table)
	}
}
