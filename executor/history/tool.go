package history

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
)

// tool is what is known about one migration tool's history.
type tool struct {
	name    string   // its layout's name
	tables  []string // in lower case; the first is today's
	columns []string // what tells its table from others of that name
	lacks   []string // columns that another tool's table of that name has
	refused string   // why its history can't be adopted; "" when it can
	lock    string   // the table, in lower case, that says that the tool is at work; "" when there is none

	// fields are the expressions of a record's fields, order what the rows are
	// sorted by: oldest first.
	fields func(dialect) record
	order  string
	// fold says what is applied according to the rows, or why nobody can tell.
	fold func(table string, rows []record) ([]Row, error)

	sums sums // nil: the tool records no checksum that we could compare
	key  func(executor.Migration) string
	same func(Row, executor.Migration) bool // nil: what has the same key is the same
}

// record is a row of a tool's table as text; what a tool lacks is "".
type record struct{ version, name, script, kind, state, sum string }

// The states of a record that tools without words of their own are given.
const (
	stateDone   = "done"
	stateFailed = "failed"
	stateUndone = "undone"
)

// tools are all that are known.
var tools = []tool{flyway, golangMigrate, goose, rails, dbmate, liquibase, atlas, prisma, sqlx, django}

// owns says that a table is this tool's, by its columns.
func (t tool) owns(columns []string) bool {
	has := func(c string) bool { return slices.Contains(columns, c) }
	return !slices.ContainsFunc(t.columns, func(c string) bool { return !has(c) }) && !slices.ContainsFunc(t.lacks, has)
}

// query reads the table's rows as records.
func (t tool) query(d dialect, table string) executor.Query {
	f := t.fields(d)
	all := []string{f.version, f.name, f.script, f.kind, f.state, f.sum}
	for i, expression := range all {
		if expression == "" {
			all[i] = "''"
		}
	}
	sql := "SELECT " + strings.Join(all, ", ") + " FROM " + table
	if t.order != "" {
		sql += " ORDER BY " + t.order
	}
	return executor.Query{SQL: sql}
}

// dialect writes the few expressions in which the products differ.
type dialect script.Dialect

func (d dialect) mysql() bool { return script.Dialect(d) == script.MySQL }

// text casts an expression to text, NULL to "".
func (d dialect) text(expression string) string {
	kind := "text"
	if d.mysql() {
		kind = "char"
	}
	return "coalesce(cast(" + expression + " AS " + kind + "), '')"
}

// hex is bytes in lower-case hexadecimal.
func (d dialect) hex(expression string) string {
	if d.mysql() {
		return "lower(hex(" + expression + "))"
	}
	return "encode(" + expression + ", 'hex')"
}

// when is a text that depends on a condition.
func when(condition, yes, no string) string {
	return "CASE WHEN " + condition + " THEN '" + yes + "' ELSE '" + no + "' END"
}

// name quotes a table with its schema.
func (d dialect) name(schema, table string) string {
	quote := `"`
	if d.mysql() {
		quote = "`"
	}
	quoted := func(s string) string { return quote + strings.ReplaceAll(s, quote, quote+quote) + quote }
	return quoted(schema) + "." + quoted(table)
}

// placeholder is the n-th parameter of a query, from 1.
func (d dialect) placeholder(n string) string {
	if d.mysql() {
		return "?"
	}
	return "$" + n
}

func byVersion(m executor.Migration) string { return versionKey(m.Version) }

func versionKey(version string) string { return "version " + executor.VersionKey(version) }
