package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
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
			fmt.Fprintf(w, "%s\t%s\t%d statements\t%d ms\n", strings.ReplaceAll(string(m.Outcome), "_", " "), m.Path, m.Statements, m.DurationMS)
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
}

// errorReport is an error in JSON.
type errorReport struct {
	Code      fault.Code `json:"code"`
	Message   string     `json:"message"`
	Path      string     `json:"path,omitempty"`
	Line      int        `json:"line,omitempty"`
	Statement int        `json:"statement,omitempty"`
	SQLState  string     `json:"sqlstate,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Hint      string     `json:"hint,omitempty"`
}

func describe(err error) *errorReport {
	if err == nil {
		return nil
	}
	r := &errorReport{Code: fault.CodeOf(err), Message: err.Error()}
	var failure *executor.Failure
	var ambiguous *executor.AmbiguousError
	switch {
	case errors.As(err, &failure):
		r.Path, r.Line, r.Statement = failure.Path, failure.Line, failure.Statement
		r.SQLState, r.Detail, r.Hint = failure.SQLState, failure.Detail, failure.Hint
	case errors.As(err, &ambiguous):
		r.Path, r.Line, r.Statement = ambiguous.Path, ambiguous.Line, ambiguous.Statement
	}
	return r
}

type migrateStatusCmd struct{ migrateTarget }

// Run shows where each migration stands.
func (c *migrateStatusCmd) Run(t *terminal) error {
	return c.use(func(m migration) error {
		entries, err := m.target.Status(t.ctx, c.History, m.folder)
		if err != nil {
			return err
		}
		return t.print(c.Format, newStatusReport(m.engine.Name(), c.History, entries))
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

// marked runs a command that writes marks, and shows where the migrations stand
// then.
func (m *migrateTarget) marked(ctx context.Context, t *terminal, on migration, migrations []executor.Migration, write func(context.Context) error) error {
	if err := write(ctx); err != nil {
		return err
	}
	entries, err := on.target.Status(ctx, m.History, on.folder)
	if err != nil {
		return err
	}
	var about []executor.Entry
	for _, e := range entries {
		for _, x := range migrations {
			if executor.CompareVersions(e.Version, x.Version) == 0 {
				about = append(about, e)
			}
		}
	}
	return t.print(m.Format, newStatusReport(on.engine.Name(), m.History, about))
}

// parseStep reads VERSION#N.
func parseStep(text string) (version string, n int, err error) {
	version, number, found := strings.Cut(text, "#")
	n, err = strconv.Atoi(number)
	if !found || err != nil || n < 1 || version == "" {
		return "", 0, fault.New(fault.Invalid, "%q names no step", text).Then("write VERSION#N, e.g. 20260102030405#2")
	}
	return version, n, nil
}
