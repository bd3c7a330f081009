package history

import (
	"slices"

	"github.com/shipsql/shipsql/executor"
)

// Folder is a project's migrations with the files they were read from.
type Folder struct {
	Migrations []executor.Migration // in order
	Files      []executor.File      // all of the folder, for the tools' checksums
}

// Comparison says where each migration of a folder stands in a tool's history;
// see the package's story.
type Comparison struct {
	Proven   []executor.Migration
	Unproven []Unproven
	Pending  []executor.Migration
	Unknown  []Row // of the history
}

// Unproven is a migration that the tool calls applied, though its checksum does
// not prove that this text was.
type Unproven struct {
	executor.Migration

	Changed bool   // the checksum is another; false: there is none to compare
	Covered bool   // no row is its own: it lies below one that stands for all before it
	Reason  string // in words
}

// Applied returns the proven and unproven ones, in the folder's order.
func (c Comparison) Applied(f Folder) []executor.Migration {
	pending := map[string]bool{}
	for _, m := range c.Pending {
		pending[m.Version] = true
	}
	return slices.DeleteFunc(slices.Clone(f.Migrations), func(m executor.Migration) bool {
		return pending[m.Version] || m.Kind == executor.Baseline
	})
}

// Compare joins a history with a folder. A repeatable migration whose text
// changed is pending, for it runs again. Baseline migrations are in no list.
func Compare(h History, f Folder) Comparison {
	j := newJoin(h, f)
	var c Comparison
	for _, m := range f.Migrations {
		row, found := j.find(m)
		switch {
		case m.Kind == executor.Baseline: // runs on empty databases only, and this one has a history
		case !found:
			c.Pending = append(c.Pending, m)
		default:
			j.judge(&c, m, row)
		}
	}
	for i, r := range h.Rows {
		if !j.used[i] {
			c.Unknown = append(c.Unknown, r)
		}
	}
	return c
}

// join finds the row of a migration.
type join struct {
	tool    tool
	rows    []Row
	byKey   map[string][]int // indexes of rows
	covered string           // the highest version that a row covers all below; "" if none does
	used    []bool           // by row
	sums    map[string][]string
}

func newJoin(h History, f Folder) *join {
	j := &join{tool: toolNamed(h.Tool), rows: h.Rows, byKey: map[string][]int{}, used: make([]bool, len(h.Rows))}
	for i, r := range h.Rows {
		j.byKey[r.key] = append(j.byKey[r.key], i)
		j.used[i] = r.mark
		if r.covers && (j.covered == "" || executor.CompareVersions(r.Version, j.covered) > 0) {
			j.covered = r.Version
		}
	}
	if j.tool.sums != nil {
		j.sums = j.tool.sums(f.Files)
	}
	return j
}

func toolNamed(name string) tool {
	for _, t := range tools {
		if t.name == name {
			return t
		}
	}
	return tool{key: byVersion}
}

// find returns the row that records m, or covers it.
func (j *join) find(m executor.Migration) (Row, bool) {
	for _, i := range j.byKey[j.tool.key(m)] {
		if j.tool.same == nil || j.tool.same(j.rows[i], m) {
			j.used[i] = true
			return j.rows[i], true
		}
	}
	if m.Kind == executor.Versioned && j.covered != "" && executor.CompareVersions(m.Version, j.covered) <= 0 {
		return Row{Note: "at or below version " + j.covered + " of " + j.tool.name}, true
	}
	return Row{}, false
}

// judge files a recorded migration by its checksum.
func (j *join) judge(c *Comparison, m executor.Migration, row Row) {
	same := row.Sum != "" && slices.Contains(j.sums[m.Path], row.Sum)
	switch {
	case same:
		c.Proven = append(c.Proven, m)
	case m.Kind == executor.Repeatable && j.tool.sums != nil:
		c.Pending = append(c.Pending, m)
	default:
		c.Unproven = append(c.Unproven, j.unproven(m, row))
	}
}

func (j *join) unproven(m executor.Migration, row Row) Unproven {
	u := Unproven{Migration: m, Covered: row.key == "", Reason: j.tool.name + " records no checksum"}
	switch {
	case row.Sum != "" && j.sums != nil:
		u.Changed, u.Reason = true, "the text is not the one that "+j.tool.name+" applied: its checksum is another"
	case j.tool.sums != nil:
		u.Reason = "no checksum is recorded"
	case j.tool.name == liquibase.name:
		u.Reason = "Liquibase's checksum can't be compared"
	}
	if row.Note != "" {
		u.Reason += " (" + row.Note + ")"
	}
	return u
}
