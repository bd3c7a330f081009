package postgres

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// typeChange says what an ALTER COLUMN … TYPE costs.
type typeChange int

const (
	unknownChange typeChange = iota // the old type is not known
	keeps                           // only the catalog changes
	keepsInUTC                      // the same, but only in a session whose time zone is UTC
	rewrites                        // the table and its indexes are written anew
)

// typeChangeOf follows ATColumnChangeRequiresRewrite in
// src/backend/commands/tablecmds.c: no rewrite where the old bytes are valid as
// the new type and no length must be checked.
func typeChangeOf(s *subject, t *schema.Table, c *pg_query.AlterTableCmd) typeChange {
	column := t.Column(c.GetName())
	n := c.GetDef().GetColumnDef()
	if !castsOnly(n.GetRawDefault(), c.GetName()) {
		return rewrites
	}
	if column == nil {
		return unknownChange
	}
	from, ok := s.baseType(column.Type, false)
	to, okTo := s.baseType(schema.TypeText(n.GetTypeName()), true)
	if !ok || !okTo {
		return rewrites // a domain whose constraints must be checked
	}
	return changeBetween(parseType(from), parseType(to))
}

// castsOnly says whether a USING expression, if any, is the column itself,
// perhaps cast: what PostgreSQL would do without it.
func castsOnly(using *pg_query.Node, column string) bool {
	if using == nil {
		return true
	}
	if cast := using.GetTypeCast(); cast != nil {
		using = cast.GetArg()
	}
	name, ok := schema.ColumnName(using)
	return ok && name == column
}

// baseType strips domains; false for a domain with constraints, where those
// count.
func (s *subject) baseType(text string, constraintsCount bool) (string, bool) {
	for range 32 { // domains over domains; no real chain is longer
		d := s.schema.Domain(schemaName(text))
		if d == nil {
			return text, true
		}
		if constraintsCount && (d.NotNull || d.Checked) {
			return "", false
		}
		text = d.Base
	}
	return text, true
}

// sqlType is a type's text taken apart: numeric(10,2)[] is numeric, [10 2], true.
type sqlType struct {
	base  string
	mods  []int
	array bool
}

var modifiers = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)`)

func parseType(text string) sqlType {
	t := sqlType{}
	text, t.array = strings.CutSuffix(text, "[]")
	if m := modifiers.FindStringSubmatch(text); m != nil {
		for _, digits := range m[1:] {
			if n, err := strconv.Atoi(digits); err == nil {
				t.mods = append(t.mods, n)
			}
		}
		text = strings.Replace(text, m[0], "", 1)
	}
	t.base = strings.TrimSpace(text)
	return t
}

// sameBytes are the pairs of types whose values need no conversion: pg_cast
// with castmethod b, and what varchar and text share.
var sameBytes = map[[2]string]bool{
	{"character varying", "text"}: true, {"text", "character varying"}: true,
	{"cidr", "inet"}: true, {"xml", "text"}: true, {"xml", "character varying"}: true,
	{"bit", "bit varying"}: true, {"bit varying", "bit"}: true,
	{"integer", "oid"}: true, {"oid", "integer"}: true, {"regclass", "oid"}: true, {"oid", "regclass"}: true,
	{"integer", "regclass"}: true, {"regclass", "integer"}: true,
}

const (
	timestampBase   = "timestamp without time zone"
	timestampTzBase = "timestamp with time zone"
)

func changeBetween(from, to sqlType) typeChange {
	zones := from.base == timestampBase && to.base == timestampTzBase || from.base == timestampTzBase && to.base == timestampBase
	switch {
	case from.array != to.array:
		return rewrites
	case zones && !from.array && slices.Equal(from.mods, to.mods):
		return keepsInUTC
	case from.base != to.base && (from.array || !sameBytes[[2]string{from.base, to.base}]):
		return rewrites
	case !widens(from, to):
		return rewrites
	}
	return keeps
}

// widens says whether every value within the old length, precision or scale is
// within the new one.
func widens(from, to sqlType) bool {
	switch {
	case slices.Equal(from.mods, to.mods):
		return true
	case from.array: // each element would be checked
		return len(to.mods) == 0
	case to.base == "character" || to.base == "bit": // padded to the length
		return false
	case len(to.mods) == 0:
		return true
	case len(from.mods) == 0:
		return false
	case to.base == "numeric":
		return to.mods[0] >= from.mods[0] && to.mods[1] == from.mods[1]
	}
	return to.mods[0] >= from.mods[0]
}
