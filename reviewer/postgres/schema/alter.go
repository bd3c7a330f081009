package schema

import (
	"slices"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
)

func (s *Schema) alterTable(n *pg_query.AlterTableStmt) {
	if n.GetObjtype() != pg_query.ObjectType_OBJECT_TABLE && n.GetObjtype() != pg_query.ObjectType_OBJECT_FOREIGN_TABLE {
		return
	}
	t := s.Lookup(n.GetRelation())
	for _, c := range n.GetCmds() {
		s.alter(t, c.GetAlterTableCmd())
	}
}

func (s *Schema) alter(t *Table, c *pg_query.AlterTableCmd) {
	switch c.GetSubtype() {
	case pg_query.AlterTableType_AT_AddColumn:
		s.addColumn(t, c.GetDef().GetColumnDef())
	case pg_query.AlterTableType_AT_DropColumn:
		s.dropColumn(t, c.GetName())
	case pg_query.AlterTableType_AT_AlterColumnType:
		if column := t.Column(c.GetName()); column != nil {
			column.Type = TypeText(c.GetDef().GetColumnDef().GetTypeName())
		}
	case pg_query.AlterTableType_AT_SetNotNull:
		setNotNull(t, []string{c.GetName()})
	case pg_query.AlterTableType_AT_DropNotNull:
		if column := t.Column(c.GetName()); column != nil {
			column.NotNull = false
		}
	case pg_query.AlterTableType_AT_AddConstraint:
		s.addConstraint(t, c.GetDef().GetConstraint(), nil)
	case pg_query.AlterTableType_AT_ValidateConstraint:
		if constraint := t.Constraint(c.GetName()); constraint != nil {
			constraint.Validated = true
		}
	case pg_query.AlterTableType_AT_DropConstraint:
		s.dropConstraint(t, c.GetName())
	case pg_query.AlterTableType_AT_AttachPartition:
		s.attach(t, c.GetDef().GetPartitionCmd())
	case pg_query.AlterTableType_AT_DetachPartition:
		s.detach(t, c.GetDef().GetPartitionCmd())
	}
}

func (s *Schema) attach(parent *Table, n *pg_query.PartitionCmd) {
	child := s.Lookup(n.GetName())
	child.PartitionOf = parent.Name
	s.addChild(parent.Name, child.Name)
	if n.GetBound().GetIsDefault() {
		parent.DefaultPartition = child.Name
	}
}

func (s *Schema) detach(parent *Table, n *pg_query.PartitionCmd) {
	child := s.Lookup(n.GetName())
	child.PartitionOf = catalog.Name{}
	if parent.DefaultPartition == child.Name {
		parent.DefaultPartition = catalog.Name{}
	}
}

func (s *Schema) dropColumn(t *Table, column string) {
	t.Columns = slices.DeleteFunc(t.Columns, func(c catalog.Column) bool { return c.Name == column })
	t.Constraints = slices.DeleteFunc(t.Constraints, func(c catalog.Constraint) bool { return slices.Contains(c.Columns, column) })
	t.Indexes = slices.DeleteFunc(t.Indexes, func(i catalog.Index) bool { return slices.Contains(i.Columns, column) })
}

// dropConstraint drops the constraint and the index behind it, which has its
// name.
func (s *Schema) dropConstraint(t *Table, name string) {
	t.Constraints = slices.DeleteFunc(t.Constraints, func(c catalog.Constraint) bool { return c.Name == name })
	s.dropIndex(t, name)
}

func (s *Schema) dropIndex(t *Table, name string) {
	t.Indexes = slices.DeleteFunc(t.Indexes, func(i catalog.Index) bool { return i.Name == name })
	if s.indexes != nil {
		delete(s.indexes, catalog.Name{Schema: t.Name.Schema, Name: name})
	}
}

func (s *Schema) rename(n *pg_query.RenameStmt) {
	switch n.GetRenameType() {
	case pg_query.ObjectType_OBJECT_TABLE, pg_query.ObjectType_OBJECT_VIEW, pg_query.ObjectType_OBJECT_MATVIEW, pg_query.ObjectType_OBJECT_FOREIGN_TABLE:
		t := s.Lookup(n.GetRelation())
		s.move(t, catalog.Name{Schema: t.Name.Schema, Name: n.GetNewname()})
	case pg_query.ObjectType_OBJECT_COLUMN:
		s.renameColumn(s.Lookup(n.GetRelation()), n.GetSubname(), n.GetNewname())
	case pg_query.ObjectType_OBJECT_TABCONSTRAINT:
		t := s.Lookup(n.GetRelation())
		if c := t.Constraint(n.GetSubname()); c != nil {
			c.Name = n.GetNewname()
		}
		s.renameIndex(t, n.GetSubname(), n.GetNewname())
	case pg_query.ObjectType_OBJECT_INDEX:
		index := catalog.Name{Schema: n.GetRelation().GetSchemaname(), Name: n.GetRelation().GetRelname()}
		if t := s.IndexTable(index); t != nil {
			s.renameIndex(t, index.Name, n.GetNewname())
		}
	}
}

func (s *Schema) renameIndex(t *Table, from, to string) {
	index := t.Index(from)
	if index == nil {
		return
	}
	index.Name = to
	s.nameIndex(t, to)
	delete(s.indexes, catalog.Name{Schema: t.Name.Schema, Name: from})
}

func (s *Schema) renameColumn(t *Table, from, to string) {
	if c := t.Column(from); c != nil {
		c.Name = to
	}
	if t.newColumns[from] {
		t.newColumns[to] = true
	}
	for i := range t.Constraints {
		c := &t.Constraints[i]
		c.Columns, c.NotNull = renamed(c.Columns, from, to), renamed(c.NotNull, from, to)
	}
	for i := range t.Indexes {
		t.Indexes[i].Columns = renamed(t.Indexes[i].Columns, from, to)
	}
}

// renamed copies, as lists are shared with the catalog.
func renamed(columns []string, from, to string) []string {
	i := slices.Index(columns, from)
	if i < 0 {
		return columns
	}
	columns = slices.Clone(columns)
	columns[i] = to
	return columns
}

// move files a table under another name; its indexes and partitions follow.
func (s *Schema) move(t *Table, to catalog.Name) {
	from := t.Name
	for _, p := range s.childrenOf(t) {
		p.PartitionOf = to
		s.addChild(to, p.Name)
	}
	s.tables[from] = nil
	t.Name = to
	s.tables[to] = t
	s.addChild(t.PartitionOf, to)
	for _, i := range t.Indexes {
		s.nameIndex(t, i.Name)
	}
}

func (s *Schema) moveTable(n *pg_query.AlterObjectSchemaStmt) {
	if n.GetObjectType() == pg_query.ObjectType_OBJECT_TABLE {
		t := s.Lookup(n.GetRelation())
		s.move(t, catalog.Name{Schema: n.GetNewschema(), Name: t.Name.Name})
	}
}

func (s *Schema) drop(n *pg_query.DropStmt) {
	for _, object := range n.GetObjects() {
		switch n.GetRemoveType() {
		case pg_query.ObjectType_OBJECT_TABLE, pg_query.ObjectType_OBJECT_VIEW, pg_query.ObjectType_OBJECT_MATVIEW, pg_query.ObjectType_OBJECT_FOREIGN_TABLE:
			s.tables[s.resolve(RangeVar(object.GetList().GetItems()))] = nil
		case pg_query.ObjectType_OBJECT_INDEX:
			name := NameOf(object.GetList().GetItems())
			if t := s.IndexTable(name); t != nil {
				s.dropIndex(t, name.Name)
			}
		case pg_query.ObjectType_OBJECT_SCHEMA:
			s.dropSchema(object.GetString_().GetSval())
		}
	}
}

// dropSchema forgets every table of a schema.
func (s *Schema) dropSchema(name string) {
	if s.base != nil {
		for n := range s.base.Tables {
			if n.Schema == name {
				s.tables[n] = nil
			}
		}
	}
	for n := range s.tables {
		if n.Schema == name {
			s.tables[n] = nil
		}
	}
}

// RangeVar makes the reference that a list of name parts stands for.
func RangeVar(parts []*pg_query.Node) *pg_query.RangeVar {
	name := NameOf(parts)
	return &pg_query.RangeVar{Schemaname: name.Schema, Relname: name.Name}
}
