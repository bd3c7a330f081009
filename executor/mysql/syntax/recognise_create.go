package syntax

import (
	"slices"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// create reads CREATE [OR REPLACE] … .
func (r *reader) create() {
	replace := r.accept("OR", "REPLACE")
	r.attributes()
	r.Temporary = r.accept("TEMPORARY")
	switch what := r.upper(0); what {
	case "TABLE":
		r.at++
		r.createTable(replace)
	case "INDEX":
		r.at++
		r.createIndex()
	case "VIEW", "SEQUENCE", "TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "EVENT":
		r.at++
		r.createObject(what, replace)
	case "DATABASE", "SCHEMA":
		r.at++
		r.Kind, r.fixed = CreateDatabase, true
		r.Again = r.ifExists()
		r.schema(Creates)
	default:
		r.other()
	}
}

// other is what concerns users or the server.
func (r *reader) other() {
	switch r.upper(0) {
	case "USER", "ROLE":
		r.Kind = Account
		r.at++
		r.Again = r.ifExists()
	case "SERVER", "TABLESPACE", "LOGFILE", "UNDO", "SPATIAL", "RESOURCE", "INSTANCE", "LIBRARY":
		r.Kind = Server
	default:
		r.Kind, r.unsure = Unknown, true
	}
}

// attributes moves over what stands between CREATE or ALTER and what it makes.
func (r *reader) attributes() {
	for {
		switch {
		case r.accept("ALGORITHM", "="):
			r.at++
		case r.accept("DEFINER", "="):
			r.account()
		case r.accept("SQL", "SECURITY"):
			r.at++
		case r.acceptAny("UNIQUE", "FULLTEXT", "VECTOR", "AGGREGATE", "ONLINE", "OFFLINE", "IGNORE") != "":
		case r.upper(0) == "SPATIAL" && r.upper(1) == "INDEX":
			r.at++
		default:
			return
		}
	}
}

// account moves over user[@host], CURRENT_USER[()] or CURRENT_ROLE.
func (r *reader) account() {
	r.at++
	if r.accept("@") {
		r.at++
		for r.accept(".") { // an address without quotes
			r.at++
		}
	}
	r.parentheses()
}

func (r *reader) schema(use Use) {
	name, ok := r.identifier()
	if !ok {
		r.unsure = use != Alters // ALTER DATABASE may mean the current one
		return
	}
	o := Object{Kind: Schema, Use: use}
	o.Name.Name = token.Unquote(name.In(r.words.text))
	r.Objects = append(r.Objects, o)
	r.spots = append(r.spots, spot{name.Start, name.End})
}

// kindsOf are the kinds of statements about an object, by its word.
var kindsOf = map[string]struct {
	create, alter, drop Kind
	object              ObjectKind
}{
	"VIEW":      {CreateView, AlterView, DropView, View},
	"SEQUENCE":  {CreateSequence, AlterSequence, DropSequence, Sequence},
	"TRIGGER":   {CreateTrigger, Unknown, DropTrigger, Trigger},
	"PROCEDURE": {CreateProcedure, AlterProcedure, DropProcedure, Procedure},
	"FUNCTION":  {CreateFunction, AlterFunction, DropFunction, Function},
	"PACKAGE":   {CreatePackage, Unknown, DropPackage, Package},
	"EVENT":     {CreateEvent, AlterEvent, DropEvent, Event},
}

// createObject reads the head of a view, sequence or stored program. What has no
// rows may be made or replaced again.
func (r *reader) createObject(what string, replace bool) {
	kinds := kindsOf[what]
	r.Kind = kinds.create
	object := kinds.object
	if object == Package && r.accept("BODY") {
		object = PackageBody
	}
	r.Again = r.ifExists() || replace && object != Sequence
	r.SameText = replace && object == Sequence
	r.object(object, Creates)
	switch object {
	case View:
		r.query = true
	case Trigger:
		r.trigger()
	case Event:
		r.fixed = true // it would run
	case Function:
		r.fixed = r.has("SONAME")
	case Sequence:
		r.strayNames()
	}
}

// trigger reads BEFORE INSERT ON table.
func (r *reader) trigger() {
	r.at += 2
	if !r.accept("ON") {
		r.unsure = true
		return
	}
	r.object(Table, Alters)
}

// has says whether the word stands anywhere ahead.
func (r *reader) has(words ...string) bool {
	return slices.ContainsFunc(r.list[min(r.at, len(r.list)):], func(w word) bool {
		return w.Kind == token.Word && slices.Contains(words, w.upper)
	})
}

func (r *reader) createIndex() {
	r.Kind = CreateIndex
	r.Again = r.ifExists()
	if _, ok := r.identifier(); !ok {
		r.unsure = true
	}
	if r.accept("USING") {
		r.at++
	}
	r.onTable()
}

// onTable reads ON table and what follows in statements about one index.
func (r *reader) onTable() {
	if !r.accept("ON") {
		r.unsure = true
		return
	}
	r.object(Table, Alters)
	if r.Kind == CreateIndex || r.flavour == MySQL { // MariaDB's DROP INDEX takes no such clauses
		r.online = online{at: r.end, lead: " ", between: " "}
	}
	r.tail()
}

// tail reads clauses that can name no further object.
func (r *reader) tail() {
	for ; !r.done(); r.at++ {
		r.onlineClause()
	}
	r.strayNames()
}

func (r *reader) createTable(replace bool) {
	r.Kind = CreateTable
	exists := r.ifExists()
	r.object(Table, Creates)
	body := r.at
	if r.accept("LIKE") || r.accept("(", "LIKE") {
		r.object(Table, Reads)
	}
	r.references()
	selects := r.selects(body)
	r.SameText = replace || selects
	r.Again = exists && !selects
	r.fixed = r.fixed || selects
	r.outside(body)
	if selects {
		r.query = true
		return
	}
	r.strayNames()
}

// references reads the tables of foreign keys, from here to the end.
func (r *reader) references() {
	for !r.done() {
		if r.accept("REFERENCES") {
			r.object(Table, Reads)
			continue
		}
		r.at++
	}
}

// selects says whether a CREATE TABLE holds a query: at its end, outside of
// parentheses or alone in them.
func (r *reader) selects(from int) bool {
	depth := 0
	for i := from; i < len(r.list); i++ {
		switch w := r.list[i].upper; w {
		case "SELECT", "WITH", "VALUES", "TABLE":
			if depth == 0 && (w != "WITH" && w != "VALUES" || i+1 < len(r.list) && r.list[i+1].upper != "SYSTEM") ||
				w == "SELECT" {
				return true
			}
		default:
			depth += nesting(w)
		}
	}
	return false
}

// outside marks a table statement that reaches what is no table: files, other
// servers, the tables of a MERGE.
func (r *reader) outside(from int) {
	for i := from; i < len(r.list); i++ {
		switch r.list[i].upper {
		case "DIRECTORY", "TABLESPACE", "CONNECTION", "FEDERATED", "CONNECT", "SPIDER", "S3":
			r.fixed = true
		case "UNION", "NEXTVAL", "LASTVAL", "SETVAL", "NEXT", "PREVIOUS":
			r.opaque = true // names of tables or sequences follow
		}
	}
}

// strayNames looks for names with a dot outside of the ones that were found.
func (r *reader) strayNames() {
	spots := r.spots
	for i, w := range r.list {
		for len(spots) > 0 && w.Start >= spots[0].end {
			spots = spots[1:]
		}
		inside := len(spots) > 0 && w.Start >= spots[0].start
		if w.upper == "." && !inside && (r.nameAt(i-1) || r.nameAt(i+1)) {
			r.unsure = true
		}
	}
}

func (r *reader) nameAt(i int) bool {
	return i >= 0 && i < len(r.list) && (r.list[i].Kind == token.Word || r.list[i].Kind == token.Name)
}
