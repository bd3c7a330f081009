package schema

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
)

// Apply changes the schema as the statement would. What a statement would do
// wrongly (make what exists, drop what doesn't) is the database's to refuse:
// Apply then does what comes nearest. Statements without an effect on what the
// rules look at do nothing.
func (s *Schema) Apply(statement *pg_query.Node) {
	switch n := statement.GetNode().(type) {
	case *pg_query.Node_CreateStmt:
		s.createTable(n.CreateStmt)
	case *pg_query.Node_CreateForeignTableStmt:
		s.createTable(n.CreateForeignTableStmt.GetBaseStmt())
	case *pg_query.Node_CreateTableAsStmt:
		s.createAs(n.CreateTableAsStmt.GetInto().GetRel(), n.CreateTableAsStmt.GetObjtype())
	case *pg_query.Node_SelectStmt:
		if into := n.SelectStmt.GetIntoClause().GetRel(); into != nil {
			s.createAs(into, pg_query.ObjectType_OBJECT_TABLE)
		}
	case *pg_query.Node_ViewStmt:
		s.put(&Table{Table: catalog.Table{Name: s.target(n.ViewStmt.GetView()), Kind: catalog.View}})
	case *pg_query.Node_AlterTableStmt:
		s.alterTable(n.AlterTableStmt)
	case *pg_query.Node_IndexStmt:
		s.createIndex(n.IndexStmt)
	case *pg_query.Node_RenameStmt:
		s.rename(n.RenameStmt)
	case *pg_query.Node_AlterObjectSchemaStmt:
		s.moveTable(n.AlterObjectSchemaStmt)
	case *pg_query.Node_DropStmt:
		s.drop(n.DropStmt)
	default:
		s.applyOther(statement)
	}
}

// applyOther is Apply for what isn't a relation.
func (s *Schema) applyOther(statement *pg_query.Node) {
	switch n := statement.GetNode().(type) {
	case *pg_query.Node_CreateSchemaStmt:
		s.createSchema(n.CreateSchemaStmt)
	case *pg_query.Node_CreateDomainStmt:
		s.createDomain(n.CreateDomainStmt)
	case *pg_query.Node_AlterDomainStmt:
		s.alterDomain(n.AlterDomainStmt)
	case *pg_query.Node_CreateFunctionStmt:
		s.createFunction(n.CreateFunctionStmt)
	case *pg_query.Node_VariableSetStmt:
		s.set(n.VariableSetStmt)
	case *pg_query.Node_InsertStmt:
		s.fill(n.InsertStmt.GetRelation(), len(n.InsertStmt.GetSelectStmt().GetSelectStmt().GetValuesLists()) > 0)
	case *pg_query.Node_CopyStmt:
		if n.CopyStmt.GetIsFrom() {
			s.fill(n.CopyStmt.GetRelation(), false)
		}
	}
}

// fill follows rows that are added: a table that was empty isn't any more, and
// after more than a few spelt-out rows nobody knows its size.
func (s *Schema) fill(r *pg_query.RangeVar, few bool) {
	t := s.Lookup(r)
	t.Size.Known = t.Size.Known && few
	t.Size.Bytes = max(t.Size.Bytes, 1)
}

// put files a relation that a statement makes.
func (s *Schema) put(t *Table) {
	t.Known, t.New = true, !s.old
	s.tables[t.Name] = t
	s.addChild(t.PartitionOf, t.Name)
}

func (s *Schema) createAs(into *pg_query.RangeVar, kind pg_query.ObjectType) {
	t := &Table{Table: catalog.Table{Name: s.target(into), Kind: catalog.BaseTable}}
	if kind == pg_query.ObjectType_OBJECT_MATVIEW {
		t.Kind = catalog.MaterializedView
	}
	s.put(t)
}

func (s *Schema) createIndex(n *pg_query.IndexStmt) {
	t := s.Lookup(n.GetRelation())
	index := catalog.Index{Name: IndexName(t, n), Unique: n.GetUnique(), Valid: true, Partial: n.GetWhereClause() != nil}
	for _, p := range n.GetIndexParams() {
		index.Columns = append(index.Columns, p.GetIndexElem().GetName())
	}
	if t.Index(index.Name) != nil { // IF NOT EXISTS
		return
	}
	t.addIndex(index)
	s.nameIndex(t, index.Name)
}

func (s *Schema) nameIndex(t *Table, index string) {
	if s.indexes == nil {
		s.indexNames()
	}
	s.indexes[catalog.Name{Schema: t.Name.Schema, Name: index}] = t.Name
}

// IndexName is the name that an index of the table gets, chosen as PostgreSQL
// does where the statement has none.
func IndexName(t *Table, n *pg_query.IndexStmt) string {
	if n.GetIdxname() != "" {
		return n.GetIdxname()
	}
	var columns []string
	for _, p := range n.GetIndexParams() {
		columns = append(columns, elementName(p.GetIndexElem()))
	}
	return chosenName(t, columns, "idx")
}

// elementName is a column's name, or that of the function an expression calls.
func elementName(e *pg_query.IndexElem) string {
	if e.GetName() != "" {
		return e.GetName()
	}
	if call := e.GetExpr().GetFuncCall(); call != nil {
		return NameOf(call.GetFuncname()).Name
	}
	return "expr"
}

func (s *Schema) createSchema(n *pg_query.CreateSchemaStmt) {
	path := s.path
	s.path = append([]string{n.GetSchemaname()}, path...)
	for _, element := range n.GetSchemaElts() {
		s.Apply(element)
	}
	s.path = path
}

func (s *Schema) createDomain(n *pg_query.CreateDomainStmt) {
	d := &catalog.Domain{Name: s.typeName(n.GetDomainname()), Base: TypeText(n.GetTypeName())}
	for _, c := range n.GetConstraints() {
		switch c.GetConstraint().GetContype() {
		case pg_query.ConstrType_CONSTR_NOTNULL:
			d.NotNull = true
		case pg_query.ConstrType_CONSTR_CHECK:
			d.Checked = true
		}
	}
	s.domains[d.Name] = d
}

func (s *Schema) alterDomain(n *pg_query.AlterDomainStmt) {
	d := s.Domain(NameOf(n.GetTypeName()))
	if d == nil {
		return
	}
	changed := *d
	switch n.GetSubtype() {
	case "C":
		changed.Checked = true
	case "O":
		changed.NotNull = true
	case "N":
		changed.NotNull = false
	}
	s.domains[d.Name] = &changed
}

// typeName is the full name of a type or function that a statement makes.
func (s *Schema) typeName(parts []*pg_query.Node) catalog.Name {
	name := NameOf(parts)
	if name.Schema == "" && len(s.path) > 0 {
		name.Schema = s.path[0]
	}
	return name
}

var volatilities = map[string]catalog.Volatility{
	"immutable": catalog.Immutable, "stable": catalog.Stable, "volatile": catalog.Volatile,
}

func (s *Schema) createFunction(n *pg_query.CreateFunctionStmt) {
	f := catalog.Function{Volatility: catalog.Volatile} // PostgreSQL's default
	for _, o := range n.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "volatility" {
			f.Volatility = volatilities[d.GetArg().GetString_().GetSval()]
		}
	}
	name := s.typeName(n.GetFuncname())
	s.functions[name] = append(s.functions[name], f)
}

// set follows SET search_path.
func (s *Schema) set(n *pg_query.VariableSetStmt) {
	if n.GetName() != "search_path" {
		return
	}
	if n.GetKind() != pg_query.VariableSetKind_VAR_SET_VALUE {
		s.path = s.home
		return
	}
	s.path = nil
	for _, arg := range n.GetArgs() {
		if name := arg.GetAConst().GetSval().GetSval(); name != "" && name != "$user" {
			s.path = append(s.path, name)
		}
	}
}
