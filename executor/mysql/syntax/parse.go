package syntax

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/shipsql/shipsql/executor/catalog"
)

// Parse reads one statement, without its delimiter. It never fails and never
// panics: what it can't make sense of is Unknown, and not Understood. It is safe
// for concurrent use.
func Parse(text string, flavour Flavour) Statement {
	w := split(text, flavour)
	s := Statement{Kind: Unknown, text: text, flavour: flavour, ledger: w.ledger}
	r := reader{words: w, Statement: &s, unsure: w.opaque || w.cut}
	if n := len(w.list); n > 0 {
		r.end = w.list[n-1].End
		r.statement()
	}
	s.plain = inner(w, r.head)
	r.understand()
	return s
}

// inner is the statement behind SET STATEMENT … FOR, on its place.
func inner(w words, head int) string {
	if head == 0 || head >= len(w.list) {
		return w.plain
	}
	at := w.list[head].Start
	return strings.Repeat(" ", at) + w.plain[at:]
}

// understand compares with the parser's tree what was found in the words.
func (r *reader) understand() {
	s := r.Statement
	if !looksInside[s.Kind] {
		s.Understood = !r.unsure && s.Kind != Unknown
		s.Functions = r.called()
		return
	}
	tree, err := parse(s.plain, s.flavour)
	if err != nil {
		s.Refused = err.Error()
		s.Functions = r.called()
		s.Understood = !r.unsure && !s.query && !s.Kind.ChangesRows() && s.Kind != Select
		return
	}
	names := look(tree)
	s.Functions = unique(names.functions)
	if s.Kind.ChangesRows() || s.Kind == Select || s.Kind == Do {
		s.Objects, s.spots = rowObjects(tree, names), nil
		s.Understood = !r.opaque && !r.cut
		return
	}
	s.fixed = s.fixed || names.qualified && !s.query
	s.Understood = !r.opaque && !r.cut && r.agree(names)
}

// looksInside are the kinds whose names lie anywhere in the statement, so that
// the parser is asked.
var looksInside = map[Kind]bool{
	Insert: true, Update: true, Delete: true, Replace: true, Select: true, Do: true,
	CreateTable: true, AlterTable: true, CreateIndex: true, DropIndex: true, DropTable: true, RenameTable: true,
	CreateView: true, AlterView: true, CreateSequence: true, AlterSequence: true, Set: true,
}

// called are the names before a parenthesis; more than calls where no parser
// tells VARCHAR(10) from a call. A stored program's body calls nothing yet.
func (r *reader) called() []string {
	switch r.Kind {
	case CreateProcedure, CreateFunction, CreatePackage, CreateTrigger, CreateEvent, AlterEvent:
		return nil
	}
	return unique(slices.DeleteFunc(slices.Clone(r.calls), func(name string) bool { return notCalls[name] }))
}

// notCalls are words that stand before a parenthesis and are no function.
var notCalls = map[string]bool{
	"in": true, "values": true, "value": true, "key": true, "index": true, "unique": true, "check": true, "and": true, "or": true, "not": true,
	"as": true, "on": true, "using": true, "into": true, "select": true, "where": true, "table": true, "exists": true, "any": true, "all": true, "some": true,
	"from": true, "join": true, "over": true, "by": true, "hash": true, "range": true, "list": true, "columns": true, "than": true, "partition": true,
	"varchar": true, "char": true, "int": true, "integer": true, "bigint": true, "smallint": true, "tinyint": true, "mediumint": true, "decimal": true,
	"numeric": true, "float": true, "double": true, "enum": true, "set": true, "varbinary": true, "binary": true, "bit": true, "datetime": true,
	"timestamp": true, "time": true, "text": true, "blob": true, "year": true, "add": true, "references": true,
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// rowObjects are the tables of a statement about rows.
func rowObjects(tree ast.StmtNode, names seen) []Object {
	var objects []Object
	had, targets := map[Object]bool{}, map[*ast.TableName]bool{}
	add := func(t *ast.TableName, use Use) {
		if o := (Object{Table, nameOf(t), use}); !had[o] {
			had[o] = true
			objects = append(objects, o)
		}
	}
	for _, t := range written(tree) {
		if !names.isCTE(t) {
			targets[t] = true
			add(t, Writes)
		}
	}
	for _, t := range names.tables {
		if !targets[t] {
			add(t, Reads)
		}
	}
	return objects
}

// agree says whether the tree names the tables that were found in the words. A
// query's tables are known from the tree alone, those of a column's REFERENCES
// from the words alone.
func (r *reader) agree(names seen) bool {
	found, sure := map[catalog.Name]int{}, map[catalog.Name]int{}
	for _, o := range r.Objects {
		found[o.Name]++
		if o.Use != Reads {
			sure[o.Name]++
		}
	}
	seen := map[catalog.Name]int{}
	for _, t := range names.tables {
		name := nameOf(t)
		if seen[name]++; seen[name] <= found[name] {
			continue
		}
		if !r.query {
			return false
		}
		r.Objects = append(r.Objects, Object{Table, name, Reads})
	}
	for name, n := range sure {
		if seen[name] < n {
			return false
		}
	}
	return true
}
