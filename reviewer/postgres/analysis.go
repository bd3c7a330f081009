package postgres

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// Verdict is what there is to say about one statement.
type Verdict struct {
	Kind     string // e.g. ALTER TABLE
	Analysed bool   // false: nobody could read it; Hits says why
	Effects  finding.Effects
	Hits     []Hit
}

// Hit is what one rule says about one statement.
type Hit struct {
	Rule       *finding.Rule
	Severity   finding.Severity // the rule's, scaled by Table and capped by AtMost
	AtMost     finding.Severity // "": no cap
	Table      *schema.Table    // whose size decides how much it matters; may be nil
	Message    string
	Fix        string
	Suggestion string // replaces the statement, semicolon included; "" for none
	// Offset is the byte of the statement's text that is meant; 0 means the
	// whole statement.
	Offset int
	// Confirm, where set, is asked after the change's last statement: false
	// withdraws the hit.
	Confirm func() bool
	after   func() // called, where set, once the statement is simulated
}

// Analysis follows one change, file by file and statement by statement. It is
// not safe for concurrent use.
type Analysis struct {
	schema *schema.Schema
	major  int
	file   *file
}

// file is the state of a file that is being followed.
type file struct{ begin *block }

// block is a BEGIN of the file; it is open until its COMMIT.
type block struct{ open bool }

// NewAnalysis starts with what the catalog describes; nil means that nothing is
// known. major is the server's major version.
func NewAnalysis(c *catalog.Catalog, major int) *Analysis {
	return &Analysis{schema: schema.From(c), major: major, file: &file{}}
}

// BeginFile says that the statements of another file follow.
func (a *Analysis) BeginFile() {
	a.schema.BeginFile()
	a.file = &file{}
}

// Describe simulates a statement that tells what exists before the change.
func (a *Analysis) Describe(tree *pg_query.Node) {
	a.schema.Describe(true)
	a.schema.Apply(tree)
	a.schema.Describe(false)
}

// Simulate does what Statement does, without a verdict.
func (a *Analysis) Simulate(tree *pg_query.Node) { a.schema.Apply(tree) }

// Statement judges the file's next statement and simulates it.
func (a *Analysis) Statement(st script.Statement, parsed syntax.Parsed) Verdict {
	hits := a.structure(st, parsed)
	if parsed.Tree == nil || st.Kind == script.Psql {
		return Verdict{Kind: firstWords(st.Text), Effects: (&effects{}).report(), Hits: hits}
	}
	s := &subject{sql: st.Text, tree: parsed.Tree, inBlock: a.file.inBlock(), schema: a.schema, major: a.major}
	v := Verdict{Kind: Kind(s.tree), Analysed: true, Effects: effectsOf(s), Hits: hits}
	for _, r := range rules {
		v.Hits = append(v.Hits, r.hits(s)...)
	}
	a.schema.Apply(s.tree)
	for _, h := range v.Hits {
		if h.after != nil {
			h.after()
		}
	}
	return v
}

// subject is what a rule looks at: a statement and what exists before it.
type subject struct {
	sql     string
	tree    *pg_query.Node
	inBlock bool // between BEGIN and COMMIT
	schema  *schema.Schema
	major   int
}

// action is one of the comma-separated parts of an ALTER TABLE.
type action struct {
	*pg_query.AlterTableCmd

	table *schema.Table
	index int // which part it is
}

// actions are the parts of an ALTER TABLE on a table that exists before the
// change; on a new table nothing is a hazard.
func (s *subject) actions(kinds ...pg_query.AlterTableType) []action {
	n := s.tree.GetAlterTableStmt()
	if n == nil || n.GetObjtype() != pg_query.ObjectType_OBJECT_TABLE {
		return nil
	}
	table := s.schema.Lookup(n.GetRelation())
	if table.New {
		return nil
	}
	var found []action
	for i, c := range n.GetCmds() {
		for _, k := range kinds {
			if cmd := c.GetAlterTableCmd(); cmd.GetSubtype() == k {
				found = append(found, action{cmd, table, i})
			}
		}
	}
	return found
}

// constraint is the constraint that an action adds, nil if it adds none.
func (a action) constraint(kind pg_query.ConstrType) *pg_query.Constraint {
	if c := a.GetDef().GetConstraint(); c.GetContype() == kind {
		return c
	}
	return nil
}

// columnConstraint is the constraint of that kind in a column's definition, nil
// if it has none.
func columnConstraint(c *pg_query.ColumnDef, kind pg_query.ConstrType) *pg_query.Constraint {
	for _, n := range c.GetConstraints() {
		if k := n.GetConstraint(); k.GetContype() == kind {
			return k
		}
	}
	return nil
}
