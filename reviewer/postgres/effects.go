package postgres

import (
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// effectsOf says what the statement does to what exists before it.
func effectsOf(s *subject) finding.Effects {
	e := &effects{schema: s.schema}
	switch n := s.tree.GetNode().(type) {
	case *pg_query.Node_AlterTableStmt:
		e.alterTable(s, n.AlterTableStmt)
	case *pg_query.Node_CreateStmt:
		e.createTable(n.CreateStmt)
	case *pg_query.Node_IndexStmt:
		e.createIndex(n.IndexStmt)
	case *pg_query.Node_DropStmt:
		e.drop(n.DropStmt)
	case *pg_query.Node_RenameStmt:
		e.rename(n.RenameStmt)
	case *pg_query.Node_TruncateStmt:
		for _, r := range n.TruncateStmt.GetRelations() {
			e.lockTree(e.schema.Lookup(r.GetRangeVar()), accessExclusive)
		}
	case *pg_query.Node_AlterDomainStmt:
		// The tables that use the domain are not known by name here.
	default:
		e.maintenance(s.tree)
		e.dependents(s.tree)
		e.rows(s.tree)
	}
	return e.report()
}

// createTable: a new table locks the ones that it is tied to.
func (e *effects) createTable(n *pg_query.CreateStmt) {
	for _, parent := range n.GetInhRelations() {
		e.childOf(e.schema.Lookup(parent.GetRangeVar()), n)
	}
	for _, element := range n.GetTableElts() {
		e.references(element.GetConstraint())
		for _, c := range element.GetColumnDef().GetConstraints() {
			e.references(c.GetConstraint())
		}
	}
	for _, c := range n.GetConstraints() {
		e.references(c.GetConstraint())
	}
}

// childOf: a partition takes ACCESS EXCLUSIVE on its parent, and the default
// partition is read to prove that none of its rows belongs into the new one.
func (e *effects) childOf(parent *schema.Table, n *pg_query.CreateStmt) {
	if n.GetPartbound() == nil {
		e.lock(parent, shareUpdateExclusive)
		return
	}
	e.lock(parent, accessExclusive)
	if d := e.schema.Find(parent.DefaultPartition); d != nil {
		e.lock(d, accessExclusive)
		e.scanTable(d)
	}
}

// references: a foreign key puts triggers on the table it points to.
func (e *effects) references(c *pg_query.Constraint) {
	if c.GetContype() == pg_query.ConstrType_CONSTR_FOREIGN {
		e.lock(e.schema.Lookup(c.GetPktable()), shareRowExclusive)
	}
}

func (e *effects) createIndex(n *pg_query.IndexStmt) {
	t := e.schema.Lookup(n.GetRelation())
	switch {
	case t.Kind == catalog.PartitionedTable && !n.GetRelation().GetInh(): // ON ONLY: no rows here
		e.lock(t, share)
	case n.GetConcurrent():
		e.lock(t, shareUpdateExclusive)
		e.scanTable(t)
	default:
		e.lockTree(t, share)
		e.scanTable(t)
	}
}

func (e *effects) drop(n *pg_query.DropStmt) {
	for _, object := range n.GetObjects() {
		parts := object.GetList().GetItems()
		switch n.GetRemoveType() {
		case pg_query.ObjectType_OBJECT_TABLE:
			e.dropTable(e.schema.Lookup(schema.RangeVar(parts)))
		case pg_query.ObjectType_OBJECT_VIEW, pg_query.ObjectType_OBJECT_MATVIEW, pg_query.ObjectType_OBJECT_FOREIGN_TABLE:
			e.lock(e.schema.Lookup(schema.RangeVar(parts)), accessExclusive)
		case pg_query.ObjectType_OBJECT_INDEX:
			e.dropIndex(schema.NameOf(parts), n.GetConcurrent())
		case pg_query.ObjectType_OBJECT_TRIGGER, pg_query.ObjectType_OBJECT_RULE, pg_query.ObjectType_OBJECT_POLICY:
			if len(parts) > 1 { // the last part is the trigger's own name
				e.lock(e.schema.Lookup(schema.RangeVar(parts[:len(parts)-1])), accessExclusive)
			}
		}
	}
}

// dropTable: dropping the table's foreign keys drops triggers of the tables
// they point to; a partition's parent learns that it is gone.
func (e *effects) dropTable(t *schema.Table) {
	e.lockTree(t, accessExclusive)
	for _, c := range t.Constraints {
		if c.Kind == catalog.ForeignKey {
			e.lock(e.schema.Find(c.RefTable), accessExclusive)
		}
	}
	if parent := e.schema.Find(t.PartitionOf); parent != nil {
		e.lock(parent, accessExclusive)
		e.lock(e.schema.Find(parent.DefaultPartition), accessExclusive)
	}
}

func (e *effects) dropIndex(index catalog.Name, concurrently bool) {
	mode := accessExclusive
	if concurrently {
		mode = shareUpdateExclusive
	}
	if t := e.schema.IndexTable(index); t != nil {
		e.lockTree(t, mode)
		return
	}
	if index.Schema == "" {
		index.Schema = "public"
	}
	e.lockName(index, mode)
}

func (e *effects) rename(n *pg_query.RenameStmt) {
	switch n.GetRenameType() {
	case pg_query.ObjectType_OBJECT_COLUMN, pg_query.ObjectType_OBJECT_TABCONSTRAINT:
		e.lockTree(e.schema.Lookup(n.GetRelation()), accessExclusive)
	case pg_query.ObjectType_OBJECT_TABLE, pg_query.ObjectType_OBJECT_VIEW, pg_query.ObjectType_OBJECT_MATVIEW,
		pg_query.ObjectType_OBJECT_TRIGGER, pg_query.ObjectType_OBJECT_RULE, pg_query.ObjectType_OBJECT_POLICY:
		e.lock(e.schema.Lookup(n.GetRelation()), accessExclusive)
	}
}

// rows: statements that touch rows lock out other DDL only.
func (e *effects) rows(tree *pg_query.Node) {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_InsertStmt:
		e.lock(e.schema.Lookup(n.InsertStmt.GetRelation()), rowExclusive)
	case *pg_query.Node_UpdateStmt:
		e.wholeTable(n.UpdateStmt.GetRelation(), n.UpdateStmt.GetWhereClause())
	case *pg_query.Node_DeleteStmt:
		e.wholeTable(n.DeleteStmt.GetRelation(), n.DeleteStmt.GetWhereClause())
	case *pg_query.Node_MergeStmt:
		e.lock(e.schema.Lookup(n.MergeStmt.GetRelation()), rowExclusive)
	case *pg_query.Node_CopyStmt:
		if n.CopyStmt.GetIsFrom() && n.CopyStmt.GetRelation() != nil {
			e.lock(e.schema.Lookup(n.CopyStmt.GetRelation()), rowExclusive)
		}
	case *pg_query.Node_LockStmt:
		for _, r := range n.LockStmt.GetRelations() {
			e.lockTree(e.schema.Lookup(r.GetRangeVar()), lockMode(n.LockStmt.GetMode()))
		}
	}
}

func (e *effects) wholeTable(r *pg_query.RangeVar, where *pg_query.Node) {
	t := e.schema.Lookup(r)
	e.lockTree(t, rowExclusive)
	if alwaysTrue(where) {
		e.scanTable(t)
	}
}

// option says whether a statement's list of options switches one on: (FULL),
// (CONCURRENTLY true).
func option(options []*pg_query.Node, name string) bool {
	for _, o := range options {
		d := o.GetDefElem()
		if !strings.EqualFold(d.GetDefname(), name) {
			continue
		}
		switch a := d.GetArg(); {
		case a == nil:
			return true
		case a.GetBoolean() != nil:
			return a.GetBoolean().GetBoolval()
		case a.GetInteger() != nil:
			return a.GetInteger().GetIval() != 0
		default:
			text := strings.ToLower(a.GetString_().GetSval())
			return text == "true" || text == "on" || text == "1"
		}
	}
	return false
}
