package reviewer

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/fault"
)

// Input is one review.
type Input struct {
	Engine        string          // "" means postgres
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
// (the engine), internal (no parser process).
func (r *Reviewer) Review(ctx context.Context, in Input) (Report, error) {
	return Report{}, fault.New(fault.Unsupported, "no review yet")
}
