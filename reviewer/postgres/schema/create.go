package schema

import (
	"slices"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
)

func (s *Schema) createTable(n *pg_query.CreateStmt) {
	name := s.target(n.GetRelation())
	if n.GetIfNotExists() && s.exists(name) {
		return
	}
	t := &Table{Table: catalog.Table{Name: name, Kind: catalog.BaseTable, Unlogged: n.GetRelation().GetRelpersistence() == "u"}}
	t.Size.Known = !s.old // and empty, so far
	if n.GetPartspec() != nil {
		t.Kind = catalog.PartitionedTable
	}
	for _, parent := range n.GetInhRelations() {
		s.inherit(t, parent.GetRangeVar(), n.GetPartbound())
	}
	for _, element := range n.GetTableElts() {
		s.addElement(t, element)
	}
	for _, c := range n.GetConstraints() {
		s.addConstraint(t, c.GetConstraint(), nil)
	}
	s.put(t)
	if bound := n.GetPartbound(); bound.GetIsDefault() && len(n.GetInhRelations()) == 1 {
		s.Lookup(n.GetInhRelations()[0].GetRangeVar()).DefaultPartition = t.Name
	}
}

// inherit copies what a child or partition gets from its parent.
func (s *Schema) inherit(t *Table, parent *pg_query.RangeVar, bound *pg_query.PartitionBoundSpec) {
	from := s.Lookup(parent)
	t.Columns = append(t.Columns, from.Columns...)
	for _, c := range from.Constraints {
		if bound != nil || c.Kind == catalog.Check {
			t.Constraints = append(t.Constraints, c)
		}
	}
	if bound != nil {
		t.PartitionOf = from.Name
	}
}

// The bits of TableLikeOption (src/include/nodes/parsenodes.h).
const (
	likeConstraints = 1 << 2
	likeIndexes     = 1 << 6
)

// addElement adds one element of CREATE TABLE's list.
func (s *Schema) addElement(t *Table, element *pg_query.Node) {
	switch e := element.GetNode().(type) {
	case *pg_query.Node_ColumnDef:
		s.addColumn(t, e.ColumnDef)
	case *pg_query.Node_Constraint:
		s.addConstraint(t, e.Constraint, nil)
	case *pg_query.Node_TableLikeClause:
		from := s.Lookup(e.TableLikeClause.GetRelation())
		t.Columns = append(t.Columns, from.Columns...)
		for _, c := range from.Constraints {
			isCheck := c.Kind == catalog.Check
			isKey := c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique
			if options := e.TableLikeClause.GetOptions(); isCheck && options&likeConstraints != 0 || isKey && options&likeIndexes != 0 {
				t.Constraints = append(t.Constraints, c)
			}
		}
	}
}

// addColumn adds a column with its own constraints; one that is there already
// (IF NOT EXISTS, or redefined by a partition) is kept.
func (s *Schema) addColumn(t *Table, n *pg_query.ColumnDef) {
	if len(t.Columns) < maxParts && t.Column(n.GetColname()) == nil {
		t.Columns = append(t.Columns, catalog.Column{
			Name: n.GetColname(), Type: TypeText(n.GetTypeName()), NotNull: n.GetIsNotNull() || IsSerial(n.GetTypeName()),
		})
		if t.newColumns == nil {
			t.newColumns = map[string]bool{}
		}
		t.newColumns[n.GetColname()] = !s.old
	}
	for _, c := range n.GetConstraints() {
		s.addConstraint(t, c.GetConstraint(), []string{n.GetColname()})
	}
}

var constraintKinds = map[pg_query.ConstrType]catalog.ConstraintKind{
	pg_query.ConstrType_CONSTR_PRIMARY: catalog.PrimaryKey, pg_query.ConstrType_CONSTR_UNIQUE: catalog.Unique,
	pg_query.ConstrType_CONSTR_CHECK: catalog.Check, pg_query.ConstrType_CONSTR_FOREIGN: catalog.ForeignKey,
	pg_query.ConstrType_CONSTR_EXCLUSION: catalog.Exclusion,
}

// addConstraint adds a table's constraint, or that of the column given.
func (s *Schema) addConstraint(t *Table, n *pg_query.Constraint, column []string) {
	switch n.GetContype() {
	case pg_query.ConstrType_CONSTR_NOTNULL, pg_query.ConstrType_CONSTR_IDENTITY:
		setNotNull(t, slices.Concat(column, Strings(n.GetKeys())))
	case pg_query.ConstrType_CONSTR_GENERATED:
		if c := t.Column(column[0]); len(column) == 1 && c != nil {
			c.Generated = true
		}
	}
	kind, ok := constraintKinds[n.GetContype()]
	if !ok {
		return
	}
	c := s.newConstraint(t, n, column)
	c.Kind = kind
	t.addConstraint(c)
	if kind == catalog.PrimaryKey {
		setNotNull(t, c.Columns)
	}
	if kind != catalog.Check && kind != catalog.ForeignKey {
		s.addConstraintIndex(t, n, c)
	}
}

func (s *Schema) newConstraint(t *Table, n *pg_query.Constraint, column []string) catalog.Constraint {
	c := catalog.Constraint{
		Name: ConstraintName(t, n, column), Columns: slices.Concat(column, Strings(n.GetKeys())), Validated: !n.GetSkipValidation(),
	}
	switch n.GetContype() {
	case pg_query.ConstrType_CONSTR_CHECK:
		c.NotNull = NotNull(n.GetRawExpr())
		c.Columns = Columns(n.GetRawExpr())
	case pg_query.ConstrType_CONSTR_FOREIGN:
		c.Columns = slices.Concat(column, Strings(n.GetFkAttrs()))
		c.RefTable = s.Lookup(n.GetPktable()).Name
		c.RefColumns = Strings(n.GetPkAttrs())
	}
	if index := t.Index(n.GetIndexname()); index != nil {
		c.Columns = index.Columns
	}
	return c
}

// addConstraintIndex adds the index behind a constraint, or makes an existing
// one (USING INDEX) the constraint's.
func (s *Schema) addConstraintIndex(t *Table, n *pg_query.Constraint, c catalog.Constraint) {
	primary := c.Kind == catalog.PrimaryKey
	if index := t.Index(n.GetIndexname()); index != nil {
		index.Name, index.Primary = c.Name, primary
		return
	}
	t.addIndex(catalog.Index{Name: c.Name, Columns: c.Columns, Unique: c.Kind != catalog.Exclusion, Primary: primary, Valid: true})
	s.nameIndex(t, c.Name)
}

func setNotNull(t *Table, columns []string) {
	for i := range t.Columns {
		if slices.Contains(columns, t.Columns[i].Name) {
			t.Columns[i].NotNull = true
		}
	}
}

// ConstraintName is the name that a constraint gets, chosen as PostgreSQL does
// where the statement has none. column is the one that the constraint is
// written behind, if any.
func ConstraintName(t *Table, n *pg_query.Constraint, column []string) string {
	switch {
	case n.GetConname() != "":
		return n.GetConname()
	case n.GetIndexname() != "":
		return n.GetIndexname()
	}
	keys := append(slices.Clone(column), Strings(n.GetKeys())...)
	switch n.GetContype() {
	case pg_query.ConstrType_CONSTR_PRIMARY:
		return chosenName(t, nil, "pkey")
	case pg_query.ConstrType_CONSTR_UNIQUE:
		return chosenName(t, keys, "key")
	case pg_query.ConstrType_CONSTR_FOREIGN:
		return chosenName(t, append(keys, Strings(n.GetFkAttrs())...), "fkey")
	case pg_query.ConstrType_CONSTR_EXCLUSION:
		return chosenName(t, keys, "excl")
	}
	if columns := Columns(n.GetRawExpr()); len(columns) == 1 {
		return chosenName(t, columns, "check")
	}
	return chosenName(t, nil, "check")
}
