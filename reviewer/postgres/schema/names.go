package schema

import (
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
// (makeObjectName in src/backend/commands/indexcmds.c, without its search for
// a free name): table, columns and a label, the longer ones cut first.
func chosenName(table string, columns []string, label string) string {
	parts := []string{table}
	if column := strings.Join(columns, "_"); column != "" {
		parts = append(parts, column)
	}
	overhead := len(label) + len(parts)
	for total(parts) > maxIdentifier-overhead {
		cut := 0
		if len(parts) == 2 && len(parts[1]) >= len(parts[0]) {
			cut = 1
		}
		parts[cut] = parts[cut][:len(parts[cut])-1]
	}
	return strings.Join(append(parts, label), "_")
}

func total(parts []string) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}
