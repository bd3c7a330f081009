package postgres

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// maintenance: VACUUM, CLUSTER, REINDEX and REFRESH.
func (e *effects) maintenance(tree *pg_query.Node) {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_VacuumStmt:
		for _, r := range n.VacuumStmt.GetRels() {
			e.vacuum(e.schema.Lookup(r.GetVacuumRelation().GetRelation()), option(n.VacuumStmt.GetOptions(), "full"))
		}
	case *pg_query.Node_ClusterStmt:
		if n.ClusterStmt.GetRelation() != nil {
			e.vacuum(e.schema.Lookup(n.ClusterStmt.GetRelation()), true)
		}
	case *pg_query.Node_ReindexStmt:
		e.reindex(n.ReindexStmt)
	case *pg_query.Node_RefreshMatViewStmt:
		e.refresh(n.RefreshMatViewStmt)
	}
}

func (e *effects) vacuum(t *schema.Table, full bool) {
	if !full {
		e.lock(t, shareUpdateExclusive)
		return
	}
	e.lock(t, accessExclusive)
	e.rewriteTable(t)
}

// reindex: the planner looks at every index of a table, so the ACCESS
// EXCLUSIVE on the index blocks nearly every query on it.
func (e *effects) reindex(n *pg_query.ReindexStmt) {
	mode := share
	if option(n.GetParams(), "concurrently") {
		mode = shareUpdateExclusive
	}
	switch n.GetKind() {
	case pg_query.ReindexObjectType_REINDEX_OBJECT_TABLE:
		t := e.schema.Lookup(n.GetRelation())
		e.lock(t, mode)
		e.scanTable(t)
	case pg_query.ReindexObjectType_REINDEX_OBJECT_INDEX:
		index := catalog.Name{Schema: n.GetRelation().GetSchemaname(), Name: n.GetRelation().GetRelname()}
		if t := e.schema.IndexTable(index); t != nil {
			e.lock(t, mode)
			e.scanTable(t)
		}
	}
}

func (e *effects) refresh(n *pg_query.RefreshMatViewStmt) {
	t := e.schema.Lookup(n.GetRelation())
	if n.GetConcurrent() {
		e.lock(t, exclusive)
		return
	}
	e.lock(t, accessExclusive)
	e.rewrite = e.addLeaves(e.rewrite, t)
}

// dependents: what hangs on a table locks it while it is made or changed.
func (e *effects) dependents(tree *pg_query.Node) {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_CreateTrigStmt:
		e.lockTree(e.schema.Lookup(n.CreateTrigStmt.GetRelation()), shareRowExclusive)
	case *pg_query.Node_CreatePolicyStmt:
		e.lock(e.schema.Lookup(n.CreatePolicyStmt.GetTable()), accessExclusive)
	case *pg_query.Node_AlterPolicyStmt:
		e.lock(e.schema.Lookup(n.AlterPolicyStmt.GetTable()), accessExclusive)
	case *pg_query.Node_RuleStmt:
		e.lock(e.schema.Lookup(n.RuleStmt.GetRelation()), accessExclusive)
	case *pg_query.Node_CreateStatsStmt:
		for _, r := range n.CreateStatsStmt.GetRelations() {
			e.lock(e.schema.Lookup(r.GetRangeVar()), shareUpdateExclusive)
		}
	case *pg_query.Node_CommentStmt:
		e.comment(n.CommentStmt)
	case *pg_query.Node_ViewStmt:
		if v := e.schema.Lookup(n.ViewStmt.GetView()); n.ViewStmt.GetReplace() && v.Kind == catalog.View {
			e.lock(v, accessExclusive)
		}
	case *pg_query.Node_AlterObjectSchemaStmt:
		if n.AlterObjectSchemaStmt.GetObjectType() == pg_query.ObjectType_OBJECT_TABLE {
			e.lock(e.schema.Lookup(n.AlterObjectSchemaStmt.GetRelation()), accessExclusive)
		}
	}
}

func (e *effects) comment(n *pg_query.CommentStmt) {
	parts := n.GetObject().GetList().GetItems()
	switch n.GetObjtype() {
	case pg_query.ObjectType_OBJECT_TABLE, pg_query.ObjectType_OBJECT_VIEW, pg_query.ObjectType_OBJECT_MATVIEW:
		e.lock(e.schema.Lookup(schema.RangeVar(parts)), shareUpdateExclusive)
	case pg_query.ObjectType_OBJECT_COLUMN:
		if len(parts) > 1 {
			e.lock(e.schema.Lookup(schema.RangeVar(parts[:len(parts)-1])), shareUpdateExclusive)
		}
	}
}
