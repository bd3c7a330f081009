package postgres

import (
	_ "embed"
	"strings"
	"sync"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// functions.txt lists PostgreSQL's own functions, the volatile ones marked with
// a v. A test keeps it equal to a real server's.
//
//go:embed functions.txt
var functionList string

// builtins maps a built-in function to whether it is volatile.
var builtins = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for line := range strings.Lines(functionList) {
		name, mark, _ := strings.Cut(strings.TrimSpace(line), " ")
		known[name] = mark == "v"
	}
	return known
})

// volatile returns the first function in an expression that is volatile, or
// that nobody described: PostgreSQL takes a function as volatile unless it is
// declared otherwise. "" if there is none.
func (s *subject) volatile(expression *pg_query.Node) (function string) {
	schema.Walk(expression, func(n *pg_query.Node) bool {
		if call := n.GetFuncCall(); call != nil && function == "" {
			if name := schema.NameOf(call.GetFuncname()); s.isVolatile(name) {
				function = name.String()
			}
		}
		return function == ""
	})
	return function
}

func (s *subject) isVolatile(name catalog.Name) bool {
	if name.Schema == "" || name.Schema == "pg_catalog" {
		if volatile, known := builtins()[name.Name]; known {
			return volatile
		}
	}
	overloads := s.schema.Functions(name)
	for _, f := range overloads {
		if f.Volatility == catalog.Volatile {
			return true
		}
	}
	return len(overloads) == 0
}
