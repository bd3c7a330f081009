package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/plural"
)

// report is what a migrate command prints.
type report interface{ text(w io.Writer) }

// print writes a report as text or as JSON.
func (t *terminal) print(format string, r report) error {
	if format == "json" {
		out := json.NewEncoder(t.out)
		out.SetEscapeHTML(false)
		return out.Encode(r)
	}
	table := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	r.text(table)
	return table.Flush()
}

// upReport is the JSON of migrate up.
type upReport struct {
	Version    int           `json:"version"`
	Engine     string        `json:"engine"`
	History    string        `json:"history"`
	Migrations []upMigration `json:"migrations"`
	DryRun     *dryRun       `json:"dry_run,omitempty"`
	Error      *errorReport  `json:"error,omitempty"`
}

type upMigration struct {
	Version    string               `json:"version"`
	Path       string               `json:"path"`
	Outcome    executor.OutcomeKind `json:"outcome"`
	DurationMS int64                `json:"duration_ms"`
	Statements int                  `json:"statements"`
	Notes      []string             `json:"notes,omitempty"`
}

func (r *upReport) add(o executor.Outcome) {
	r.Migrations = append(r.Migrations, upMigration{o.Version, o.Path, o.Kind, o.Duration.Milliseconds(), o.Statements, o.Notes})
}

// text shows what was done, and only counts what was there already.
func (r *upReport) text(w io.Writer) {
	counts := map[executor.OutcomeKind]int{}
	for _, m := range r.Migrations {
		counts[m.Outcome]++
		if m.Outcome != executor.AlreadyApplied {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d ms\n", strings.ReplaceAll(string(m.Outcome), "_", " "), m.Path, plural.Count(m.Statements, "statement"), m.DurationMS)
		}
		for _, note := range m.Notes {
			fmt.Fprintf(w, "note\t%s\t%s\n", m.Path, note)
		}
	}
	summary := fmt.Sprintf("%d applied", counts[executor.Applied])
	if n := counts[wouldApply]; n > 0 {
		summary = fmt.Sprintf("%d would be applied", n)
	}
	fmt.Fprintf(w, "%s, %d already there, %d skipped\n", summary, counts[executor.AlreadyApplied], counts[executor.Skipped])
	if r.DryRun != nil {
		fmt.Fprintf(w, "dry run: %s\n", r.DryRun.Basis)
	}
}

type migrateStatusCmd struct{ migrateTarget }

// Run shows where each migration stands.
func (c *migrateStatusCmd) Run(t *terminal) error {
	return c.use(t, func(m *migration) error {
		entries, err := m.target.Status(t.ctx, c.History, m.folder)
		if err != nil {
			return err
		}
		return m.print(t, newStatusReport(m.engine.Name(), c.History, entries))
	})
}

// statusReport is the JSON of migrate status (DESIGN §6).
type statusReport struct {
	Version    int                    `json:"version"`
	Engine     string                 `json:"engine"`
	History    string                 `json:"history"`
	Migrations []statusMigration      `json:"migrations"`
	Summary    map[executor.State]int `json:"summary"`
}

type statusMigration struct {
	Version    string         `json:"version"`
	Name       string         `json:"name"`
	Path       string         `json:"path"`
	Kind       executor.Kind  `json:"kind"`
	State      executor.State `json:"state"`
	Checksum   string         `json:"checksum"`
	AppliedAt  *time.Time     `json:"applied_at"`
	DurationMS int64          `json:"duration_ms"`
	Done       int            `json:"done"`
	Total      int            `json:"total"`
	Release    string         `json:"release"`
	note       string
}

func newStatusReport(engine, history string, entries []executor.Entry) statusReport {
	r := statusReport{Version: 1, Engine: engine, History: history, Migrations: []statusMigration{}, Summary: map[executor.State]int{}}
	for _, e := range entries {
		m := statusMigration{
			Version: e.Version, Name: e.Name, Path: e.Path, Kind: e.Kind, State: e.State, Checksum: e.Checksum,
			DurationMS: e.Duration.Milliseconds(), Done: e.Done, Total: e.Total, Release: e.Release, note: e.Note,
		}
		if !e.AppliedAt.IsZero() {
			m.AppliedAt = &e.AppliedAt
		}
		r.Migrations = append(r.Migrations, m)
		r.Summary[e.State]++
	}
	return r
}

func (r statusReport) text(w io.Writer) {
	fmt.Fprintln(w, "STATE\tVERSION\tNAME\tDONE\tAT\tNOTE")
	for _, m := range r.Migrations {
		at := ""
		if m.AppliedAt != nil {
			at = m.AppliedAt.Format(time.DateTime)
		}
		note, _, _ := strings.Cut(m.note, "\n")
		fmt.Fprintf(w, "%s\t%s\t%s\t%d/%d\t%s\t%s\n", m.State, m.Version, m.Name, m.Done, m.Total, at, note)
	}
}
