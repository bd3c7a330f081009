package postgres

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// Statement is one parsed statement in its place.
type Statement struct {
	Text    string
	Tree    *pg_query.Node
	InBlock bool // between a BEGIN and a COMMIT of the file itself
}

// Verdict is what there is to say about one statement.
type Verdict struct {
	Kind    string // e.g. ALTER TABLE
	Effects finding.Effects
	Hits    []Hit
}

// Hit is what one rule says about one statement.
type Hit struct {
	Rule       *finding.Rule
	Severity   finding.Severity // "" in what a check returns means the rule's, scaled by Table
	Table      *schema.Table    // whose size decides how much it matters; may be nil
	Message    string
	Fix        string
	Suggestion string // replaces the statement, semicolon included; "" for none
	// Confirm, where set, is asked after the change's last statement: false
	// withdraws the hit.
	Confirm func() bool
	after   func() // called, where set, once the statement is simulated
}

// Analysis follows one change. It is not safe for concurrent use.
type Analysis struct {
	schema *schema.Schema
	major  int
}

// NewAnalysis starts with what exists before the change. major is the server's
// major version.
func NewAnalysis(s *schema.Schema, major int) *Analysis { return &Analysis{schema: s, major: major} }

// Statement judges the change's next statement and simulates it.
func (a *Analysis) Statement(st Statement) Verdict {
	s := &subject{Statement: st, schema: a.schema, major: a.major}
	v := Verdict{Kind: Kind(st.Tree), Effects: effectsOf(s)}
	for _, r := range rules {
		for _, h := range r.check(s) {
			h.Rule = &r.Rule
			if h.Severity == "" {
				h.Severity = scaled(r.Rule, h.Table)
			}
			v.Hits = append(v.Hits, h)
		}
	}
	a.schema.Apply(st.Tree)
	for _, h := range v.Hits {
		if h.after != nil {
			h.after()
		}
	}
	return v
}

// subject is what a rule looks at: a statement and what exists before it.
type subject struct {
	Statement
	schema *schema.Schema
	major  int
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
	n := s.Tree.GetAlterTableStmt()
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
