package postgres

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

func (e *effects) alterTable(s *subject, n *pg_query.AlterTableStmt) {
	switch n.GetObjtype() {
	case pg_query.ObjectType_OBJECT_TABLE, pg_query.ObjectType_OBJECT_MATVIEW, pg_query.ObjectType_OBJECT_FOREIGN_TABLE, pg_query.ObjectType_OBJECT_VIEW:
	case pg_query.ObjectType_OBJECT_INDEX:
		e.lockName(e.schema.Lookup(n.GetRelation()).Name, accessExclusive)
		return
	default:
		return
	}
	t := e.schema.Lookup(n.GetRelation())
	for _, c := range n.GetCmds() {
		cmd := c.GetAlterTableCmd()
		e.alter(s, t, cmd)
		if mode := alterLock(cmd); mode != 0 {
			e.lockTree(t, mode)
		}
	}
}

// light are the actions that take less than ACCESS EXCLUSIVE
// (AlterTableGetLockLevel in src/backend/commands/tablecmds.c). Zero stands for
// locks that the action's own effects tell.
var light = map[pg_query.AlterTableType]lockMode{
	pg_query.AlterTableType_AT_SetStatistics:           shareUpdateExclusive,
	pg_query.AlterTableType_AT_SetOptions:              shareUpdateExclusive,
	pg_query.AlterTableType_AT_ResetOptions:            shareUpdateExclusive,
	pg_query.AlterTableType_AT_ClusterOn:               shareUpdateExclusive,
	pg_query.AlterTableType_AT_DropCluster:             shareUpdateExclusive,
	pg_query.AlterTableType_AT_ValidateConstraint:      shareUpdateExclusive,
	pg_query.AlterTableType_AT_AttachPartition:         0,
	pg_query.AlterTableType_AT_DetachPartition:         0,
	pg_query.AlterTableType_AT_DetachPartitionFinalize: 0,
	pg_query.AlterTableType_AT_EnableTrig:              shareRowExclusive,
	pg_query.AlterTableType_AT_EnableAlwaysTrig:        shareRowExclusive,
	pg_query.AlterTableType_AT_EnableReplicaTrig:       shareRowExclusive,
	pg_query.AlterTableType_AT_EnableTrigAll:           shareRowExclusive,
	pg_query.AlterTableType_AT_EnableTrigUser:          shareRowExclusive,
	pg_query.AlterTableType_AT_DisableTrig:             shareRowExclusive,
	pg_query.AlterTableType_AT_DisableTrigAll:          shareRowExclusive,
	pg_query.AlterTableType_AT_DisableTrigUser:         shareRowExclusive,
}

func alterLock(c *pg_query.AlterTableCmd) lockMode {
	switch c.GetSubtype() {
	case pg_query.AlterTableType_AT_AddConstraint:
		if c.GetDef().GetConstraint().GetContype() == pg_query.ConstrType_CONSTR_FOREIGN {
			return shareRowExclusive
		}
	case pg_query.AlterTableType_AT_SetRelOptions, pg_query.AlterTableType_AT_ResetRelOptions:
		return storageLock(c.GetDef().GetList().GetItems())
	}
	if mode, ok := light[c.GetSubtype()]; ok {
		return mode
	}
	return accessExclusive
}

// storageLock: storage parameters are light but for the one that catalogs use.
func storageLock(options []*pg_query.Node) lockMode {
	for _, o := range options {
		if strings.EqualFold(o.GetDefElem().GetDefname(), "user_catalog_table") {
			return accessExclusive
		}
	}
	return shareUpdateExclusive
}

// alter notes what one action does beside its lock on the table itself.
func (e *effects) alter(s *subject, t *schema.Table, c *pg_query.AlterTableCmd) {
	switch c.GetSubtype() {
	case pg_query.AlterTableType_AT_AddColumn:
		e.addColumn(s, t, c.GetDef().GetColumnDef())
	case pg_query.AlterTableType_AT_AddConstraint:
		e.addConstraint(t, c.GetDef().GetConstraint())
	case pg_query.AlterTableType_AT_ValidateConstraint:
		e.validate(t, c.GetName())
	case pg_query.AlterTableType_AT_SetNotNull:
		if setNotNullScans(s, t, c.GetName()) {
			e.scanTable(t)
		}
	case pg_query.AlterTableType_AT_AlterColumnType:
		e.changeType(s, t, c)
	case pg_query.AlterTableType_AT_DropColumn, pg_query.AlterTableType_AT_DropConstraint:
		e.dropForeignKeys(t, c)
	case pg_query.AlterTableType_AT_AttachPartition:
		e.attach(t, c.GetDef().GetPartitionCmd())
	case pg_query.AlterTableType_AT_DetachPartition, pg_query.AlterTableType_AT_DetachPartitionFinalize:
		e.detach(t, c)
	case pg_query.AlterTableType_AT_SetLogged, pg_query.AlterTableType_AT_SetUnLogged,
		pg_query.AlterTableType_AT_SetAccessMethod, pg_query.AlterTableType_AT_SetTableSpace,
		pg_query.AlterTableType_AT_SetExpression:
		e.rewriteTable(t)
	case pg_query.AlterTableType_AT_AddInherit, pg_query.AlterTableType_AT_DropInherit:
		e.lock(e.schema.Lookup(c.GetDef().GetRangeVar()), shareUpdateExclusive)
	}
}

func (e *effects) addColumn(s *subject, t *schema.Table, c *pg_query.ColumnDef) {
	if addColumnCause(s, c) != noRewrite {
		e.rewriteTable(t)
	}
	if columnConstraint(c, pg_query.ConstrType_CONSTR_CHECK) != nil || builds(c) || required(c) {
		e.scanTable(t)
	}
	if fk := columnConstraint(c, pg_query.ConstrType_CONSTR_FOREIGN); fk != nil {
		e.references(fk)
		if defaultOf(c) != nil { // even DEFAULT NULL (measured)
			e.scanTable(t)
			e.scanReferenced(t, e.schema.Lookup(fk.GetPktable()).Name, true)
		}
	}
}

// builds says whether the column brings an index of its own.
func builds(c *pg_query.ColumnDef) bool {
	return columnConstraint(c, pg_query.ConstrType_CONSTR_UNIQUE) != nil || columnConstraint(c, pg_query.ConstrType_CONSTR_PRIMARY) != nil
}

func (e *effects) addConstraint(t *schema.Table, c *pg_query.Constraint) {
	foreign := c.GetContype() == pg_query.ConstrType_CONSTR_FOREIGN
	e.references(c)
	switch {
	case c.GetSkipValidation():
	case c.GetIndexname() != "":
		if c.GetContype() == pg_query.ConstrType_CONSTR_PRIMARY && nullable(t, indexColumns(t, c.GetIndexname())) {
			e.scanTable(t)
		}
	case foreign:
		e.scanTable(t)
		e.scanReferenced(t, e.schema.Lookup(c.GetPktable()).Name, true)
	default:
		e.scanTable(t)
	}
}

func indexColumns(t *schema.Table, index string) []string {
	if i := t.Index(index); i != nil {
		return i.Columns
	}
	return nil
}

// nullable says whether one of the columns is known to allow NULL.
func nullable(t *schema.Table, columns []string) bool {
	return slices.ContainsFunc(columns, func(name string) bool {
		c := t.Column(name)
		return c != nil && !c.NotNull
	})
}

// validate: a foreign key is checked by a join with the table it points to.
func (e *effects) validate(t *schema.Table, name string) {
	c := t.Constraint(name)
	if c != nil && c.Validated {
		return
	}
	e.scanTable(t)
	if c != nil && c.Kind == catalog.ForeignKey {
		e.lock(e.schema.Find(c.RefTable), rowShare)
		e.scanReferenced(t, c.RefTable, true)
	}
}

// scanReferenced: a foreign key is checked by a join, which reads nothing of
// the table it points to when its own is empty.
func (e *effects) scanReferenced(t *schema.Table, parent catalog.Name, checked bool) {
	if checked && !t.Empty() {
		e.scanTable(e.schema.Find(parent))
	}
}

func (e *effects) changeType(s *subject, t *schema.Table, c *pg_query.AlterTableCmd) {
	name := c.GetName()
	change := typeChangeOf(s, t, c)
	if change == rewrites || change == keepsInUTC { // nobody here knows the session's time zone
		e.rewriteTable(t)
	}
	for _, k := range t.Constraints {
		if !slices.Contains(k.Columns, name) {
			continue
		}
		if k.Kind == catalog.ForeignKey {
			e.lock(e.schema.Find(k.RefTable), accessExclusive)
			e.scanReferenced(t, k.RefTable, change == rewrites && k.Validated)
		}
		if k.Kind == catalog.Check && change != rewrites {
			e.scanTable(t)
		}
	}
}

// dropForeignKeys: dropping a foreign key drops triggers of the table that it
// points to.
func (e *effects) dropForeignKeys(t *schema.Table, c *pg_query.AlterTableCmd) {
	for _, k := range t.Constraints {
		named := c.GetSubtype() == pg_query.AlterTableType_AT_DropConstraint && k.Name == c.GetName()
		covers := c.GetSubtype() == pg_query.AlterTableType_AT_DropColumn && slices.Contains(k.Columns, c.GetName())
		if k.Kind == catalog.ForeignKey && (named || covers) {
			e.lock(e.schema.Find(k.RefTable), accessExclusive)
		}
	}
}

func (e *effects) attach(parent *schema.Table, n *pg_query.PartitionCmd) {
	child := e.schema.Lookup(n.GetName())
	e.lock(parent, shareUpdateExclusive)
	e.lockTree(child, accessExclusive)
	e.scanTable(child)
	if d := e.schema.Find(parent.DefaultPartition); d != nil {
		e.lock(d, accessExclusive)
		e.scanTable(d)
	}
}

func (e *effects) detach(parent *schema.Table, c *pg_query.AlterTableCmd) {
	n := c.GetDef().GetPartitionCmd()
	child := e.schema.Lookup(n.GetName())
	if n.GetConcurrent() || c.GetSubtype() == pg_query.AlterTableType_AT_DetachPartitionFinalize {
		e.lock(parent, shareUpdateExclusive)
		e.lock(child, accessExclusive)
		return
	}
	e.lockTree(parent, accessExclusive)
	e.lock(child, accessExclusive)
}
