package schema

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
)

// temporary is the schema that temporary tables are filed under.
const temporary = "pg_temp"

// Schema is what exists at one point of a change. It is not safe for
// concurrent use.
type Schema struct {
	base      *catalog.Catalog
	tables    map[catalog.Name]*Table         // touched, made or (nil) gone
	indexes   map[catalog.Name]catalog.Name   // index → table; filled on first use
	children  map[catalog.Name][]catalog.Name // parent → partitions, perhaps former ones; filled on first use
	functions map[catalog.Name][]catalog.Function
	domains   map[catalog.Name]*catalog.Domain
	home      []string // the search path a file starts with
	path      []string
	old       bool // what statements make counts as old
}

// Table is a relation at one point of a change.
type Table struct {
	catalog.Table

	Known      bool // described by a catalog or by the statement that made it
	New        bool // made by the change
	newColumns map[string]bool
}

// maxParts bounds the columns, constraints and indexes that are followed of one
// table, so that a hostile file costs no more than its length. PostgreSQL allows
// 1600 columns.
const maxParts = 1600

func (t *Table) addConstraint(c catalog.Constraint) {
	if len(t.Constraints) < maxParts {
		t.Constraints = append(t.Constraints, c)
	}
}

func (t *Table) addIndex(i catalog.Index) {
	if len(t.Indexes) < maxParts {
		t.Indexes = append(t.Indexes, i)
	}
}

// NewColumn says whether the change itself added the column.
func (t *Table) NewColumn(name string) bool { return t.New || t.newColumns[name] }

// Empty says whether the table is known to hold no rows.
func (t *Table) Empty() bool { return t.Size.Known && t.Size.Bytes == 0 }

// From starts at what a catalog describes; nil means that nothing is known.
func From(c *catalog.Catalog) *Schema {
	s := &Schema{
		base:      c,
		tables:    map[catalog.Name]*Table{},
		functions: map[catalog.Name][]catalog.Function{},
		domains:   map[catalog.Name]*catalog.Domain{},
		home:      []string{"public"},
	}
	if c != nil && len(c.SearchPath) > 0 {
		s.home = c.SearchPath
	}
	s.path = s.home
	return s
}

// BeginFile forgets session settings: each file starts with the defaults.
func (s *Schema) BeginFile() { s.path = s.home }

// Describe says that statements now describe what exists already, until it is
// called with false.
func (s *Schema) Describe(on bool) { s.old = on }

// Lookup returns the table that a statement names: never nil, a placeholder if
// nobody described it.
func (s *Schema) Lookup(r *pg_query.RangeVar) *Table {
	name := s.resolve(r)
	if t := s.get(name); t != nil {
		return t
	}
	t := &Table{Table: catalog.Table{Name: name, Kind: catalog.BaseTable}}
	s.tables[name] = t
	return t
}

// Find returns the table of that name, or nil.
func (s *Schema) Find(name catalog.Name) *Table { return s.get(name) }

// IndexTable returns the table that an index belongs to, or nil.
func (s *Schema) IndexTable(index catalog.Name) *Table {
	if s.indexes == nil {
		s.indexNames()
	}
	for _, name := range s.candidates(index) {
		if table, ok := s.indexes[name]; ok {
			return s.get(table)
		}
	}
	return nil
}

// Functions returns the overloads of a user-made function, nil if there is
// none.
func (s *Schema) Functions(name catalog.Name) []catalog.Function {
	for _, n := range s.candidates(name) {
		if f := s.functions[n]; f != nil {
			return f
		}
		if s.base != nil && s.base.Functions[n] != nil {
			return s.base.Functions[n]
		}
	}
	return nil
}

// Domain returns a domain, or nil.
func (s *Schema) Domain(name catalog.Name) *catalog.Domain {
	for _, n := range s.candidates(name) {
		if d := s.domains[n]; d != nil {
			return d
		}
		if s.base != nil && s.base.Domains[n] != nil {
			return s.base.Domains[n]
		}
	}
	return nil
}

// candidates are the full names that a name may mean, best first.
func (s *Schema) candidates(name catalog.Name) []catalog.Name {
	if name.Schema != "" {
		return []catalog.Name{name}
	}
	names := make([]catalog.Name, 0, len(s.path)+1)
	names = append(names, catalog.Name{Schema: temporary, Name: name.Name})
	for _, schema := range s.path {
		names = append(names, catalog.Name{Schema: schema, Name: name.Name})
	}
	return names
}

// resolve finds the relation by the search path; one that nobody knows is taken
// to be in the first schema of the path.
func (s *Schema) resolve(r *pg_query.RangeVar) catalog.Name {
	name := catalog.Name{Schema: r.GetSchemaname(), Name: r.GetRelname()}
	if name.Schema != "" {
		return name
	}
	for _, n := range s.candidates(name) {
		if s.get(n) != nil {
			return n
		}
	}
	return s.target(r)
}

// target is the full name that a new relation gets.
func (s *Schema) target(r *pg_query.RangeVar) catalog.Name {
	name := catalog.Name{Schema: r.GetSchemaname(), Name: r.GetRelname()}
	switch {
	case name.Schema != "":
	case r.GetRelpersistence() == "t":
		name.Schema = temporary
	case len(s.path) > 0:
		name.Schema = s.path[0]
	default:
		name.Schema = "public"
	}
	return name
}

// get returns the table of that name, copied from the catalog at first touch.
func (s *Schema) get(name catalog.Name) *Table {
	if t, touched := s.tables[name]; touched || s.base == nil {
		return t
	}
	known := s.base.Tables[name]
	if known == nil {
		return nil
	}
	t := &Table{Table: *known, Known: true}
	t.Columns = slices.Clone(t.Columns)
	t.Constraints = slices.Clone(t.Constraints)
	t.Indexes = slices.Clone(t.Indexes)
	s.tables[name] = t
	return t
}

// exists is get, for a name that is not to become a placeholder.
func (s *Schema) exists(name catalog.Name) bool {
	t := s.get(name)
	return t != nil && t.Known
}

func (s *Schema) indexNames() {
	s.indexes = map[catalog.Name]catalog.Name{}
	if s.base == nil {
		return
	}
	for name, t := range s.base.Tables {
		for _, i := range t.Indexes {
			s.indexes[catalog.Name{Schema: name.Schema, Name: i.Name}] = name
		}
	}
}

// maxPartitions bounds what Partitions returns: nobody reads longer lists, and
// every statement on the table would make one.
const maxPartitions = 100

// Partitions are the partitions of a table, those of partitions included, but
// no more than the first 100; nil for a table without.
func (s *Schema) Partitions(t *Table) []*Table { return s.partitions(t, maxLevels) }

// maxLevels bounds the depth of partitions: a wrong ATTACH may make a table its
// own partition.
const maxLevels = 16

func (s *Schema) partitions(t *Table, levels int) []*Table {
	if t.Kind != catalog.PartitionedTable || levels == 0 {
		return nil
	}
	var found []*Table
	for _, child := range s.childrenOf(t) {
		if found = append(append(found, child), s.partitions(child, levels-1)...); len(found) >= maxPartitions {
			return found[:maxPartitions]
		}
	}
	return found
}

// childrenOf are the partitions right below a table.
func (s *Schema) childrenOf(t *Table) []*Table {
	if s.children == nil {
		s.childNames()
	}
	var found []*Table
	for _, name := range s.children[t.Name] {
		if child := s.get(name); child != nil && child.PartitionOf == t.Name {
			found = append(found, child)
		}
	}
	return found
}

// childNames collects the partitions that the catalog tells, sorted so that
// output is stable. Those that statements make are added as they come.
func (s *Schema) childNames() {
	s.children = map[catalog.Name][]catalog.Name{}
	if s.base != nil {
		for name, t := range s.base.Tables {
			s.addChild(t.PartitionOf, name)
		}
	}
	for name, t := range s.tables {
		if t != nil {
			s.addChild(t.PartitionOf, name)
		}
	}
	for _, names := range s.children {
		slices.SortFunc(names, func(a, b catalog.Name) int { return strings.Compare(a.String(), b.String()) })
	}
}

// addChild remembers who may be a partition of whom; childrenOf looks whether it
// still is.
func (s *Schema) addChild(parent, child catalog.Name) {
	if s.children == nil || parent == (catalog.Name{}) || slices.Contains(s.children[parent], child) {
		return
	}
	s.children[parent] = append(s.children[parent], child)
}
