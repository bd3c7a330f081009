package schema

import (
	"fmt"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
)

// NameOf reads a qualified name from its parts; what precedes schema and name
// (a database) is dropped.
func NameOf(parts []*pg_query.Node) catalog.Name {
	words := Strings(parts)
	switch n := len(words); n {
	case 0:
		return catalog.Name{}
	case 1:
		return catalog.Name{Name: words[0]}
	default:
		return catalog.Name{Schema: words[n-2], Name: words[n-1]}
	}
}

// Strings returns the texts of a list of String nodes.
func Strings(nodes []*pg_query.Node) []string {
	words := make([]string, 0, len(nodes))
	for _, n := range nodes {
		words = append(words, n.GetString_().GetSval())
	}
	return words
}

// maxIdentifier is NAMEDATALEN - 1, in bytes.
const maxIdentifier = 63

// chosenName is how PostgreSQL names what the user left unnamed
// (ChooseRelationName and makeObjectName in src/backend/commands/indexcmds.c):
// table, columns and a label, which gets a number while the name is taken.
func chosenName(t *Table, columns []string, label string) string {
	const tries = 20 // no table that people made has more of a kind
	name := objectName(t.Name.Name, strings.Join(columns, "_"), label)
	for n := 1; n < tries && (t.Constraint(name) != nil || t.Index(name) != nil); n++ {
		name = objectName(t.Name.Name, strings.Join(columns, "_"), fmt.Sprintf("%s%d", label, n))
	}
	return name
}

// objectName joins the parts, the longer of table and columns cut first.
func objectName(table, columns, label string) string {
	room := maxIdentifier - len(label) - 1
	if columns != "" {
		room--
	}
	for len(table)+len(columns) > room {
		if len(table) > len(columns) {
			table = table[:len(table)-1]
		} else {
			columns = columns[:len(columns)-1]
		}
	}
	if columns == "" {
		return table + "_" + label
	}
	return table + "_" + columns + "_" + label
}
