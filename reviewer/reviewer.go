package reviewer

import (
	"cmp"
	"context"
	"fmt"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/reviewer/postgres"
)

// Input is one review.
type Input struct {
	Engine        string          // postgres, mysql or mariadb; "" means postgres
	EngineVersion string          // e.g. "15"; "": the catalog's, else DefaultVersion
	Files         []executor.File // to review, in the order in which they will run
	// Before are migrations that will run before these and are not in the
	// catalog yet (releases under way). They are simulated, not reported, and
	// what they make counts as new.
	Before []executor.File
	// Catalog is what the target holds. Without it Schema may say it in SQL;
	// without both the tables that the files don't make are taken to exist.
	Catalog *catalog.Catalog
	Schema  []executor.File
	Policy  Policy
	// Floor is what the server's configuration demands: a rule's severity is
	// never below it, and neither the policy nor the file silences it.
	Floor  map[string]Severity
	Waived map[string]string // rule → reason, given by someone who may
}

// DefaultVersion is the PostgreSQL version assumed when nobody says it.
const DefaultVersion = "15"

// Reviewer reviews. It is safe for concurrent use.
type Reviewer struct{ parser *syntax.Parser }

// New makes a Reviewer; the parser stays the caller's to close.
func New(p *syntax.Parser) *Reviewer { return &Reviewer{parser: p} }

// Review says what the files would do and what is wrong with them. What is bad
// about a file is a finding. Errors are the context's, and faults: unsupported
// (the engine), invalid (Schema is no SQL), internal (no parser process).
func (r *Reviewer) Review(ctx context.Context, in Input) (Report, error) {
	switch in.Engine = cmp.Or(in.Engine, "postgres"); in.Engine {
	case "postgres":
	case "mysql", "mariadb":
		return parsed(ctx, in)
	default:
		return Report{}, fault.New(fault.Unsupported, "there are no reviews for engine %q", in.Engine).Then("use postgres, mysql or mariadb")
	}
	if in.EngineVersion == "" && in.Catalog != nil {
		in.EngineVersion = in.Catalog.Version
	}
	in.EngineVersion = cmp.Or(in.EngineVersion, DefaultVersion)
	analysis := postgres.NewAnalysis(in.Catalog, catalog.Major(in.EngineVersion))
	if err := r.describe(ctx, readAll(in.Schema, script.Form{}, analysis.BeginFile), analysis); err != nil {
		return Report{}, err
	}
	simulate := func(p piece) { analysis.Simulate(p.parsed.Tree) }
	if err := r.walk(ctx, readAll(in.Before, script.Form{}, analysis.BeginFile), simulate); err != nil {
		return Report{}, err
	}
	return r.judge(ctx, in, analysis)
}

// describe reads what exists. A description that can't be read would silently
// describe nothing, so it is an error.
func (r *Reviewer) describe(ctx context.Context, sources []source, analysis *postgres.Analysis) error {
	for _, s := range sources {
		if s.unreadable != nil {
			return s.unreadable.At(s.path)
		}
	}
	var refused error
	err := r.walk(ctx, sources, func(p piece) {
		if err := p.parsed.Err; err != nil && p.statement.Kind == script.SQL && refused == nil {
			refused = fault.New(fault.Invalid, "the schema can't be read: %s", err.Message).At(fmt.Sprintf("%s:%d", sources[p.file].path, p.statement.Line))
		}
		analysis.Describe(p.parsed.Tree)
	})
	return cmp.Or(err, refused)
}

// judge reviews the files themselves.
func (r *Reviewer) judge(ctx context.Context, in Input, analysis *postgres.Analysis) (Report, error) {
	sources := readAll(in.Files, script.Form{}, analysis.BeginFile)
	drafts := newDrafts(sources)
	err := r.walk(ctx, sources, func(p piece) {
		drafts[p.file].add(p, analysis.Statement(p.statement, p.parsed))
	})
	if err != nil {
		return Report{}, err
	}
	return report(in, drafts, basis(in)), nil
}

func newDrafts(sources []source) []draft {
	drafts := make([]draft, len(sources))
	for i, s := range sources {
		drafts[i] = draft{source: s, statements: make([]StatementReport, 0, len(s.statements))}
	}
	return drafts
}

// report applies the policy to the drafts.
func report(in Input, drafts []draft, basis string) Report {
	report := Report{Version: reportVersion, Engine: in.Engine, EngineVersion: in.EngineVersion, Basis: basis, Files: make([]FileReport, len(drafts))}
	court := newCourt(in)
	for i := range drafts {
		report.Files[i] = court.file(&drafts[i], &report.Summary)
	}
	return report
}

// basis says what a report rests on.
func basis(in Input) string {
	switch {
	case in.Catalog != nil:
		return "static rules, the target's catalog and table sizes (PostgreSQL " + in.EngineVersion + "); not rehearsed"
	case len(in.Schema) > 0:
		return "static rules and a schema without table sizes (PostgreSQL " + in.EngineVersion + "); not rehearsed"
	}
	return "static rules without a catalog: tables that the files don't make are taken to exist and to be large (PostgreSQL " + in.EngineVersion + "); not rehearsed"
}
