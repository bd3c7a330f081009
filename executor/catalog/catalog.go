package catalog

import "strings"

// Name is an object's full name, as stored (folded, unquoted).
type Name struct{ Schema, Name string }

// String returns schema.name, or the name alone where the schema is unknown.
func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Catalog is what one database held at one moment.
type Catalog struct {
	Engine     string // "postgres", "mysql", "mariadb"
	Version    string // as the server says it, e.g. "15.14"
	SearchPath []string
	Tables     map[Name]*Table
	Functions  map[Name][]Function // overloads; user-made functions only
	Domains    map[Name]*Domain
	Enums      map[Name][]string // labels in order
}

// Major is the first number of Version, 0 if there is none.
func (c *Catalog) Major() int { return Major(c.Version) }

// Major is the first number in a server's version text: 15 for "15.14",
// "PostgreSQL 15.14 on x86" and "v15"; 0 if there is none.
func Major(version string) int {
	i := strings.IndexAny(version, "0123456789")
	if i < 0 {
		return 0
	}
	n := 0
	for ; i < len(version) && version[i] >= '0' && version[i] <= '9' && n < 1000; i++ {
		n = n*10 + int(version[i]-'0')
	}
	return n
}

// Kind says what sort of relation a Table is.
type Kind string

// The kinds of relations.
const (
	BaseTable        Kind = "table"
	PartitionedTable Kind = "partitioned table"
	View             Kind = "view"
	MaterializedView Kind = "materialized view"
	ForeignTable     Kind = "foreign table"
)

// Table is a relation with columns.
type Table struct {
	Name        Name
	Kind        Kind
	Columns     []Column // in order
	Constraints []Constraint
	Indexes     []Index
	Size        Size
	Unlogged    bool
	PartitionOf Name // zero: not a partition
	// DefaultPartition is the name of the partition that takes the rows no
	// other takes; zero where there is none.
	DefaultPartition Name
}

// Size is how big a relation is.
type Size struct {
	Known bool  // false: nobody measured it
	Rows  int64 // the engine's estimate, partitions included; -1 where it has none
	Bytes int64 // heap and TOAST on disk, partitions included; 0 means that it is empty
}

// Column is one column of a table.
type Column struct {
	Name      string
	Type      string // as the engine prints it, e.g. "character varying(20)"
	NotNull   bool
	Default   string // expression, "" for none
	Identity  bool
	Generated bool // computed from other columns
}

// ConstraintKind says what a constraint promises.
type ConstraintKind string

// The kinds of constraints.
const (
	PrimaryKey ConstraintKind = "primary key"
	Unique     ConstraintKind = "unique"
	Check      ConstraintKind = "check"
	ForeignKey ConstraintKind = "foreign key"
	Exclusion  ConstraintKind = "exclusion"
)

// Constraint is one constraint of a table.
type Constraint struct {
	Name       string
	Kind       ConstraintKind
	Columns    []string
	Definition string // as the engine prints it, e.g. "CHECK ((a > 0))"
	Validated  bool
	// NotNull names the columns that a check proves to hold no NULL, being of the
	// form (a IS NOT NULL), alone or among others joined by AND.
	NotNull []string
	// RefTable and RefColumns are a foreign key's other side.
	RefTable   Name
	RefColumns []string
}

// Index is one index of a table.
type Index struct {
	Name       string
	Columns    []string // "" stands for an expression
	Unique     bool
	Primary    bool
	Valid      bool
	Partial    bool
	Definition string
}

// Volatility says how a function's result may change between calls.
type Volatility string

// The volatilities of functions.
const (
	Immutable Volatility = "immutable"
	Stable    Volatility = "stable"
	Volatile  Volatility = "volatile"
)

// Function is one overload of a user-made function.
type Function struct {
	Arguments  string // identity arguments, e.g. "integer, text"
	Volatility Volatility
}

// Domain is a named type with its own rules.
type Domain struct {
	Name    Name
	Base    string
	NotNull bool
	Checked bool // has a CHECK
	Default string
}

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Constraint returns the constraint of that name, or nil.
func (t *Table) Constraint(name string) *Constraint {
	for i := range t.Constraints {
		if t.Constraints[i].Name == name {
			return &t.Constraints[i]
		}
	}
	return nil
}

// Index returns the index of that name, or nil.
func (t *Table) Index(name string) *Index {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// HasPrimaryKey says whether the table has a primary key.
func (t *Table) HasPrimaryKey() bool {
	for _, c := range t.Constraints {
		if c.Kind == PrimaryKey {
			return true
		}
	}
	return false
}
