package syntax

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
)

// spot is where a name stands in the text.
type spot struct{ start, end int }

// online is where ALGORITHM= and LOCK= can be put into a statement.
type online struct {
	at                 int // offset in the text; 0: nowhere
	lead, between, end string
}

// alterOnline is the place behind the table's name: clauses may come in any
// order, but management of partitions stands alone.
func (r *reader) alterOnline() online {
	o := online{at: r.list[max(0, min(r.at, len(r.list))-1)].End, lead: " ", between: ", ", end: ","}
	first, second := r.upper(0), r.upper(1)
	switch {
	case r.done():
		return online{}
	case first == "PARTITION", first == "REMOVE" && second == "PARTITIONING":
		o.end = ""
	case second == "PARTITION", second == "TABLESPACE", first == "CONVERT" && second == "TABLE":
		return online{}
	}
	return o
}

// Online returns the statement with ALGORITHM= and LOCK= clauses added; an empty
// lock adds none. False for statements that can't have them, or have one.
func (s Statement) Online(algorithm, lock string) (string, bool) {
	if s.online.at == 0 || s.Algorithm != "" || s.Lock != "" {
		return "", false
	}
	clauses := "ALGORITHM=" + algorithm
	if lock != "" {
		clauses += s.online.between + "LOCK=" + lock
	}
	at := s.online.at
	return s.text[:at] + s.online.lead + clauses + s.online.end + s.text[at:], true
}

// movable are the kinds of statements whose whole effect lies in the objects
// that they name.
var movable = map[Kind]bool{
	CreateTable: true, AlterTable: true, DropTable: true, RenameTable: true, TruncateTable: true, CreateIndex: true, DropIndex: true,
	CreateView: true, AlterView: true, DropView: true, CreateTrigger: true, DropTrigger: true,
	CreateProcedure: true, AlterProcedure: true, DropProcedure: true, CreateFunction: true, AlterFunction: true, DropFunction: true,
	CreatePackage: true, DropPackage: true, DropEvent: true, CreateSequence: true, AlterSequence: true, DropSequence: true,
}

// Rewrite returns the statement with every name moved from the current schema
// into another, qualified, so that it can't touch the current one. False when a
// name was not understood or lies in a third schema, or when running the
// statement there would do more than make, change or drop an object (an event
// would begin to run, a CREATE TABLE … SELECT would read). The body of a stored
// program stays as it is: nothing of it runs when the program is made.
func (s Statement) Rewrite(current, scratch string) (string, bool) {
	if !movable[s.Kind] || !s.Understood || s.fixed || len(s.Variables) > 0 {
		return "", false
	}
	for _, o := range s.Objects {
		if o.Name.Schema != "" && o.Name.Schema != current {
			return "", false
		}
	}
	if s.query {
		return s.rewriteTree(current, scratch)
	}
	var b strings.Builder
	done := 0
	for i, at := range s.spots {
		b.WriteString(s.text[done:at.start])
		b.WriteString(Quote(scratch) + "." + Quote(s.Objects[i].Name.Name))
		done = at.end
	}
	b.WriteString(s.text[done:])
	return b.String(), true
}

// Quote returns a name in backquotes.
func Quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// rewriteTree moves the names of a view, which lie all over its query, and
// writes the statement anew from the tree.
func (s Statement) rewriteTree(current, scratch string) (string, bool) {
	tree, err := parse(s.plain, s.flavour)
	if err != nil {
		return "", false
	}
	names := look(tree)
	if len(names.ctes) > 0 {
		return "", false // a name's scope decides whether it is a table's
	}
	for _, t := range names.tables {
		t.Schema = ast.NewCIStr(scratch)
	}
	for _, c := range names.columns {
		if c.Schema.O == current {
			c.Schema = ast.NewCIStr(scratch)
		}
	}
	return restore(tree)
}

// restore prints a tree.
func restore(tree ast.StmtNode) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	var b strings.Builder
	const flags = format.RestoreStringSingleQuotes | format.RestoreStringEscapeBackslash | format.RestoreKeyWordUppercase |
		format.RestoreNameBackQuotes | format.RestoreSpacesAroundBinaryOperation | format.RestoreStringWithoutDefaultCharset
	if tree.Restore(format.NewRestoreCtx(flags, &b)) != nil {
		return "", false
	}
	return b.String(), true
}
