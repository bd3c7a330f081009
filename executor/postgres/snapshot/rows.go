package snapshot

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/catalog"
)

var kinds = map[string]catalog.Kind{
	"r": catalog.BaseTable, "p": catalog.PartitionedTable, "v": catalog.View,
	"m": catalog.MaterializedView, "f": catalog.ForeignTable,
}

var constraintKinds = map[string]catalog.ConstraintKind{
	"p": catalog.PrimaryKey, "u": catalog.Unique, "c": catalog.Check, "f": catalog.ForeignKey, "x": catalog.Exclusion,
}

var volatilities = map[string]catalog.Volatility{
	"i": catalog.Immutable, "s": catalog.Stable, "v": catalog.Volatile,
}

func addTable(c *catalog.Catalog, rows pgx.Rows) error {
	var t catalog.Table
	var kind string
	err := rows.Scan(&t.Name.Schema, &t.Name.Name, &kind, &t.Unlogged, &t.Size.Known, &t.Size.Rows, &t.Size.Bytes,
		&t.PartitionOf.Schema, &t.PartitionOf.Name, &t.DefaultPartition.Schema, &t.DefaultPartition.Name)
	t.Kind = kinds[kind]
	t.Size.Known = t.Size.Known || t.Kind == catalog.PartitionedTable
	c.Tables[t.Name] = &t
	return err
}

// addTo scans the first two columns as the table's name, the rest into dest,
// and calls add with the table.
func addTo(c *catalog.Catalog, rows pgx.Rows, add func(*catalog.Table), dest ...any) error {
	var name catalog.Name
	if err := rows.Scan(append([]any{&name.Schema, &name.Name}, dest...)...); err != nil {
		return err
	}
	if t := c.Tables[name]; t != nil {
		add(t)
	}
	return nil
}

func addColumn(c *catalog.Catalog, rows pgx.Rows) error {
	var col catalog.Column
	return addTo(c, rows, func(t *catalog.Table) { t.Columns = append(t.Columns, col) },
		&col.Name, &col.Type, &col.NotNull, &col.Default, &col.Identity, &col.Generated)
}

func addConstraint(c *catalog.Catalog, rows pgx.Rows) error {
	var k catalog.Constraint
	var kind string
	return addTo(c, rows, func(t *catalog.Table) {
		k.Kind = constraintKinds[kind]
		if k.Kind == catalog.Check {
			k.NotNull = provenNotNull(k.Definition, k.Columns)
		}
		t.Constraints = append(t.Constraints, k)
	}, &k.Name, &kind, &k.Validated, &k.Definition, &k.Columns, &k.RefTable.Schema, &k.RefTable.Name, &k.RefColumns)
}

// provenNotNull reads a check's definition, which PostgreSQL prints fully
// bracketed: CHECK ((a IS NOT NULL)), CHECK (((a IS NOT NULL) AND (b > 0))).
func provenNotNull(definition string, columns []string) []string {
	expression, _ := strings.CutPrefix(definition, "CHECK (")
	for _, suffix := range []string{" NOT VALID", " NO INHERIT", ")"} {
		expression = strings.TrimSuffix(expression, suffix)
	}
	terms := append(conjunction(expression), expression)
	var proven []string
	for _, column := range columns {
		if slices.Contains(terms, "("+column+" IS NOT NULL)") ||
			slices.Contains(terms, "("+pgx.Identifier{column}.Sanitize()+" IS NOT NULL)") {
			proven = append(proven, column)
		}
	}
	return proven
}

// conjunction returns the terms of ((a) AND (b) AND …).
func conjunction(expression string) []string {
	inner, ok := strings.CutPrefix(expression, "(")
	if !ok {
		return nil
	}
	inner = strings.TrimSuffix(inner, ")")
	var terms []string
	depth, start := 0, 0
	for i := range len(inner) {
		switch inner[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(inner[i:], ") AND ") {
			terms = append(terms, inner[start:i+1])
			start = i + len(") AND ")
		}
	}
	return append(terms, inner[start:])
}

func addIndex(c *catalog.Catalog, rows pgx.Rows) error {
	var i catalog.Index
	return addTo(c, rows, func(t *catalog.Table) { t.Indexes = append(t.Indexes, i) },
		&i.Name, &i.Unique, &i.Primary, &i.Valid, &i.Partial, &i.Definition, &i.Columns)
}

func addFunction(c *catalog.Catalog, rows pgx.Rows) error {
	var name catalog.Name
	var f catalog.Function
	var volatility string
	err := rows.Scan(&name.Schema, &name.Name, &f.Arguments, &volatility)
	f.Volatility = volatilities[volatility]
	c.Functions[name] = append(c.Functions[name], f)
	return err
}

func addDomain(c *catalog.Catalog, rows pgx.Rows) error {
	var d catalog.Domain
	err := rows.Scan(&d.Name.Schema, &d.Name.Name, &d.Base, &d.NotNull, &d.Checked, &d.Default)
	c.Domains[d.Name] = &d
	return err
}

func addEnum(c *catalog.Catalog, rows pgx.Rows) error {
	var name catalog.Name
	var labels []string
	err := rows.Scan(&name.Schema, &name.Name, &labels)
	c.Enums[name] = labels
	return err
}
