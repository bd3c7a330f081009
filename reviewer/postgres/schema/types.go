package schema

import (
	"strconv"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// printed maps a type's internal name to how PostgreSQL prints it
// (format_type in src/backend/utils/adt/format_type.c).
var printed = map[string]string{
	"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
	"bool": "boolean", "char": `"char"`, "varchar": "character varying", "bpchar": "character", "varbit": "bit varying",
	"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
	"time": "time without time zone", "timetz": "time with time zone",
}

// serials are no types but shorthands: a column of the type with a default.
var serials = map[string]string{
	"smallserial": "smallint", "serial2": "smallint", "serial": "integer", "serial4": "integer",
	"bigserial": "bigint", "serial8": "bigint",
}

// IsSerial says whether a column of that type takes its values from a sequence
// of its own.
func IsSerial(t *pg_query.TypeName) bool {
	names := t.GetNames()
	return len(names) == 1 && serials[names[0].GetString_().GetSval()] != ""
}

// TypeText prints a type as PostgreSQL's format_type does, so that it compares
// equal with a catalog's: "character varying(20)", "numeric(10,2)[]", "app.mood".
func TypeText(t *pg_query.TypeName) string {
	names := Strings(t.GetNames())
	if len(names) == 2 && names[0] == "pg_catalog" {
		names = names[1:]
	}
	base := strings.Join(names, ".")
	if s, ok := serials[base]; ok {
		return s
	}
	if p, ok := printed[base]; ok {
		base = p
	}
	return withModifiers(base, t) + strings.Repeat("[]", min(len(t.GetArrayBounds()), 1))
}

// withModifiers puts (20) behind the name, or inside of it where it has a tail:
// timestamp(3) with time zone.
func withModifiers(base string, t *pg_query.TypeName) string {
	var mods []string
	for _, m := range t.GetTypmods() {
		if c := m.GetAConst(); c.GetIval() != nil {
			mods = append(mods, strconv.Itoa(int(c.GetIval().GetIval())))
		}
	}
	if len(mods) == 0 || base == "interval" {
		return base
	}
	modifier := "(" + strings.Join(mods, ",") + ")"
	if base == "numeric" && len(mods) == 1 {
		modifier = "(" + mods[0] + ",0)"
	}
	for _, tail := range []string{" without time zone", " with time zone"} {
		if head, ok := strings.CutSuffix(base, tail); ok {
			return head + modifier + tail
		}
	}
	return base + modifier
}
