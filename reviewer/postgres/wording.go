package postgres

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// described is a table with its size where that is known: "public.users (about
// 1.2 million rows, 310 MB)".
func described(t *schema.Table) string {
	if !t.Size.Known {
		return t.Name.String()
	}
	return t.Name.String() + " (" + sizeText(t.Size) + ")"
}

func sizeText(s catalog.Size) string {
	switch {
	case s.Bytes == 0:
		return "empty"
	case s.Rows <= 0:
		return bytesText(s.Bytes)
	}
	return rowsText(s.Rows) + ", " + bytesText(s.Bytes)
}

func rowsText(n int64) string {
	switch {
	case n == 1:
		return "about 1 row"
	case n < 10_000:
		return fmt.Sprintf("about %d rows", n)
	case n < 1_000_000:
		return fmt.Sprintf("about %d,000 rows", (n+500)/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("about %.1f million rows", float64(n)/1e6)
	}
	return fmt.Sprintf("about %.1f billion rows", float64(n)/1e9)
}

func bytesText(n int64) string {
	for _, unit := range []string{"bytes", "kB", "MB", "GB"} {
		if n < 10_000 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%d TB", n)
}

// quoted writes a name as SQL: as it is where PostgreSQL reads it back so,
// otherwise in quotes.
func quoted(name string) string {
	if plain(name) && !reserved[name] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func plain(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// quotedName writes a table's name as SQL; the default schema is left out.
func quotedName(n catalog.Name) string {
	if n.Schema == "" || n.Schema == "public" {
		return quoted(n.Name)
	}
	return quoted(n.Schema) + "." + quoted(n.Name)
}

func quotedList(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quoted(n)
	}
	return strings.Join(list, ", ")
}

// terminated is a statement with its semicolon.
func terminated(sql string) string { return strings.TrimRight(sql, " \t\r\n;") + ";" }

// reserved are the keywords that can't name a table or column without quotes
// (pg_get_keywords() with catcode R or T, PostgreSQL 15 to 18).
var reserved = words(`all analyse analyze and any array as asc asymmetric authorization binary both case cast check
	collate collation column concurrently constraint create cross current_catalog current_date current_role
	current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except
	false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull
	join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order
	outer overlaps placing primary references returning right select session_user similar some symmetric
	system_user table tablesample then to trailing true union unique user using variadic verbose when where window with`)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}
