package syntax

import (
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// set reads the variables of SET. SET STATEMENT … FOR stands in front of
// another statement.
func (r *reader) set() {
	r.Kind = Set
	switch {
	case r.accept("STATEMENT"):
		r.assignments("FOR")
		if r.accept("FOR") {
			r.head = r.at
			r.statement()
		}
	case r.passwordOrRole():
		r.Kind = Account
	case r.accept("RESOURCE", "GROUP"):
		r.Kind = Server
	default:
		r.assignments("")
	}
}

func (r *reader) passwordOrRole() bool {
	next := r.upper(1)
	switch r.upper(0) {
	case "PASSWORD", "ROLE":
		return next != "=" && next != ":" || r.upper(0) == "PASSWORD"
	case "DEFAULT":
		return next == "ROLE"
	}
	return false
}

// assignments reads them up to a word outside of parentheses.
func (r *reader) assignments(until string) {
	for !r.done() {
		r.assignment()
		for depth := 0; !r.done(); r.at++ {
			here := r.upper(0)
			if depth == 0 && (here == "," || until != "" && here == until) {
				break
			}
			depth += nesting(here)
		}
		if !r.accept(",") {
			return
		}
	}
}

func nesting(word string) int {
	switch word {
	case "(":
		return 1
	case ")":
		return -1
	}
	return 0
}

// assignment reads what one assignment changes.
func (r *reader) assignment() {
	scope := Session
	switch {
	case r.accept("@", "@"):
		if r.upper(1) == "." {
			scope = scopes[r.acceptAny("GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY")]
			r.accept(".")
		}
	case r.accept("@"):
		scope = User
	default:
		scope = scopes[r.acceptAny("GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY")]
	}
	if scope == "" {
		scope = Session
	}
	r.Variables = append(r.Variables, Variable{scope, r.variable()})
}

var scopes = map[string]VariableScope{
	"GLOBAL": Global, "PERSIST": Global, "PERSIST_ONLY": Global, "SESSION": Session, "LOCAL": Session,
}

// variable reads a variable's name, which may have parts; SET NAMES and SET
// CHARACTER SET are "names".
func (r *reader) variable() string {
	if r.acceptAny("NAMES", "CHARSET") != "" || r.accept("CHARACTER", "SET") {
		return "names"
	}
	var parts []string
	for !r.done() {
		w := r.list[r.at]
		if w.Kind == token.Mark && w.upper != "." {
			break
		}
		if w.Kind != token.Mark {
			if len(parts) > 0 && r.list[r.at-1].upper != "." {
				break
			}
			parts = append(parts, strings.ToLower(token.Unquote(w.In(r.words.text))))
		}
		r.at++
	}
	if len(parts) == 0 {
		r.unsure = true
	}
	return strings.Join(parts, ".")
}
