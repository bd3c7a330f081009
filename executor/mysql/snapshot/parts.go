package snapshot

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor/catalog"
)

// index adds one column of an index: rows come in the columns' order.
func (r *reader) index(rows *sql.Rows) error {
	var table, name, column, method string
	var unique bool
	var prefix int
	if err := rows.Scan(&table, &name, &unique, &column, &prefix, &method); err != nil {
		return err
	}
	t := r.Tables[r.name(table)]
	if t == nil {
		return nil
	}
	if t.Index(name) == nil {
		t.Indexes = append(t.Indexes, catalog.Index{Name: name, Unique: unique, Primary: name == "PRIMARY", Valid: true})
		if unique {
			t.Constraints = append(t.Constraints, catalog.Constraint{Name: name, Kind: keyKind(name), Validated: true})
		}
	}
	i := t.Index(name)
	i.Columns = append(i.Columns, column)
	part := "`" + column + "`"
	switch {
	case column == "":
		part = "(…)" // an expression, which MySQL alone has
	case prefix > 0:
		part += fmt.Sprintf("(%d)", prefix)
	}
	i.Definition = define(i, part, method)
	if k := t.Constraint(name); unique && k != nil {
		k.Columns, k.Definition = i.Columns, i.Definition
	}
	return nil
}

func keyKind(name string) catalog.ConstraintKind {
	if name == "PRIMARY" {
		return catalog.PrimaryKey
	}
	return catalog.Unique
}

// define is the definition so far with one more part.
func define(i *catalog.Index, part, method string) string {
	if i.Definition != "" {
		return strings.TrimSuffix(i.Definition, ")"+using(method)) + "," + part + ")" + using(method)
	}
	head := "KEY `" + i.Name + "`"
	switch {
	case i.Primary:
		head = "PRIMARY KEY"
	case i.Unique:
		head = "UNIQUE " + head
	case method == "FULLTEXT" || method == "SPATIAL":
		head = method + " " + head
	}
	return head + " (" + part + ")" + using(method)
}

func using(method string) string {
	if method == "HASH" {
		return " USING HASH"
	}
	return ""
}

// foreignKey adds one column of a foreign key: rows come in the columns' order.
func (r *reader) foreignKey(rows *sql.Rows) error {
	var table, name, column, refSchema, refTable, refColumn, onUpdate, onDelete string
	if err := rows.Scan(&table, &name, &column, &refSchema, &refTable, &refColumn, &onUpdate, &onDelete); err != nil {
		return err
	}
	t := r.Tables[r.name(table)]
	if t == nil {
		return nil
	}
	k := t.Constraint(name)
	if k == nil || k.Kind != catalog.ForeignKey {
		t.Constraints = append(t.Constraints, catalog.Constraint{
			Name: name, Kind: catalog.ForeignKey, Validated: true, RefTable: catalog.Name{Schema: refSchema, Name: refTable},
		})
		k = &t.Constraints[len(t.Constraints)-1]
	}
	k.Columns, k.RefColumns = append(k.Columns, column), append(k.RefColumns, refColumn)
	k.Definition = fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s (%s)%s%s", names(k.Columns), "`"+refTable+"`", names(k.RefColumns),
		rule(" ON DELETE ", onDelete), rule(" ON UPDATE ", onUpdate))
	return nil
}

func names(columns []string) string { return "`" + strings.Join(columns, "`,`") + "`" }

// rule leaves out what holds anyway.
func rule(on, rule string) string {
	if rule == "RESTRICT" || rule == "NO ACTION" {
		return ""
	}
	return on + rule
}

func (r *reader) check(rows *sql.Rows) error {
	var table, clause string
	k := catalog.Constraint{Kind: catalog.Check}
	if err := rows.Scan(&table, &k.Name, &clause, &k.Validated); err != nil {
		return err
	}
	k.Definition = "CHECK (" + clause + ")"
	if t := r.Tables[r.name(table)]; t != nil {
		t.Constraints = append(t.Constraints, k)
	}
	return nil
}

func (r *reader) function(rows *sql.Rows) error {
	var name string
	var deterministic bool
	f := catalog.Function{Volatility: catalog.Volatile}
	if err := rows.Scan(&name, &deterministic, &f.Arguments); err != nil {
		return err
	}
	if deterministic {
		f.Volatility = catalog.Immutable
	}
	r.Functions[r.name(name)] = append(r.Functions[r.name(name)], f)
	return nil
}
