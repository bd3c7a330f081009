package syntax

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// alter reads ALTER … .
func (r *reader) alter() {
	r.attributes()
	switch what := r.upper(0); what {
	case "TABLE":
		r.at++
		r.alterTable()
	case "DATABASE", "SCHEMA":
		r.at++
		r.Kind, r.fixed = AlterDatabase, true
		if !alterDatabaseWords[r.upper(0)] {
			r.schema(Alters)
		}
	case "VIEW", "SEQUENCE", "PROCEDURE", "FUNCTION", "EVENT":
		r.at++
		r.alterObject(what)
	default:
		r.other()
	}
}

// alterDatabaseWords follow ALTER DATABASE where no name does.
var alterDatabaseWords = map[string]bool{
	"DEFAULT": true, "CHARACTER": true, "CHARSET": true, "COLLATE": true, "ENCRYPTION": true, "READ": true, "COMMENT": true, "UPGRADE": true,
}

func (r *reader) alterObject(what string) {
	kinds := kindsOf[what]
	r.Kind = kinds.alter
	r.ifExists()
	r.object(kinds.object, Alters)
	switch kinds.object {
	case View:
		r.query, r.Again = true, true
	case Sequence:
		r.SameText = r.has("RESTART")
	case Event:
		r.fixed = true
		r.renameEvent()
	}
}

func (r *reader) renameEvent() {
	for !r.done() && r.upper(0) != "DO" {
		if r.accept("RENAME", "TO") {
			r.Objects[len(r.Objects)-1].Use = RenameFrom
			r.object(Event, RenameTo)
			return
		}
		r.at++
	}
}

// drop reads DROP … .
func (r *reader) drop() {
	r.attributes()
	r.Temporary = r.accept("TEMPORARY")
	switch what := r.upper(0); what {
	case "TABLE", "TABLES":
		r.at++
		r.Kind = DropTable
		r.Again = r.ifExists()
		r.objects(Table, Drops)
	case "INDEX":
		r.at++
		r.Kind = DropIndex
		r.Again = r.ifExists()
		r.identifier()
		r.onTable()
	case "VIEW", "SEQUENCE", "TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "EVENT":
		r.at++
		r.dropObject(what)
	case "DATABASE", "SCHEMA":
		r.at++
		r.Kind, r.fixed = DropDatabase, true
		r.Again = r.ifExists()
		r.schema(Drops)
	case "PREPARE":
		r.Kind = Deallocate
	default:
		r.other()
	}
}

func (r *reader) dropObject(what string) {
	kinds := kindsOf[what]
	r.Kind = kinds.drop
	object := kinds.object
	if object == Package && r.accept("BODY") {
		object = PackageBody
	}
	r.Again = r.ifExists()
	r.objects(object, Drops)
}

// rename reads RENAME TABLE a TO b, c TO d; a swap leaves the same names.
func (r *reader) rename() {
	if r.accept("USER") {
		r.Kind = Account
		return
	}
	if r.acceptAny("TABLE", "TABLES") == "" {
		r.Kind, r.unsure = Unknown, true
		return
	}
	r.Kind = RenameTable
	r.Again = r.ifExists()
	for {
		r.object(Table, RenameFrom)
		r.wait()
		if !r.accept("TO") {
			r.unsure = true
			return
		}
		r.object(Table, RenameTo)
		if !r.accept(",") {
			break
		}
	}
	r.SameText = r.swaps()
	r.Again = r.Again && !r.SameText
}

// swaps says whether a name is both renamed from and renamed to.
func (r *reader) swaps() bool {
	from := map[string]bool{}
	for _, o := range r.Objects {
		if o.Use == RenameFrom {
			from[strings.ToLower(o.Name.Name)] = true
		}
	}
	return slices.ContainsFunc(r.Objects, func(o Object) bool { return o.Use == RenameTo && from[strings.ToLower(o.Name.Name)] })
}

func (r *reader) truncate() {
	r.Kind, r.SameText = TruncateTable, true
	r.skipAll("TABLE")
	r.object(Table, Writes)
}

func (r *reader) alterTable() {
	r.Kind = AlterTable
	r.ifExists()
	r.object(Table, Alters)
	r.wait()
	r.online = r.alterOnline()
	body := r.at
	again := !r.done()
	for !r.done() {
		again = r.clause() && again
		r.accept(",")
	}
	r.outside(body)
	r.Again = again && !r.SameText
	r.SameText = r.SameText || r.columns.swapped()
	r.strayNames()
}

// clause reads one clause of ALTER TABLE, up to its comma, and says whether it
// may run again.
func (r *reader) clause() (again bool) {
	begin := r.at
	first := r.upper(0)
	r.onlineClause()
	r.at++
	switch {
	case first == "RENAME":
		r.renameClause()
	case first == "EXCHANGE":
		r.SameText = true
		r.seekTable("WITH", "TABLE", Alters)
	case first == "CONVERT" && r.accept("TABLE"): // MariaDB: a table becomes a partition
		r.SameText = true
		r.object(Table, Drops)
	case first == "CONVERT" && r.upper(0) == "PARTITION":
		r.SameText = true
		r.seekTable("TO", "TABLE", Creates)
	case first == "DISCARD", first == "IMPORT", first == "TRUNCATE":
		r.SameText = true
	case first == "ADD", first == "DROP", first == "CHANGE":
		r.columnClause(first)
	case tableOptions[first]:
		again = !r.partitions()
	}
	return r.toComma(begin) || again
}

// partitions says whether the clause goes on to (re)partition the table, which
// needs no comma.
func (r *reader) partitions() bool {
	for i := r.at; i < len(r.list) && r.list[i].upper != ","; i++ {
		if w := r.list[i].upper; w == "PARTITION" || w == "REMOVE" {
			return true
		}
	}
	return false
}

// tableOptions set a value that a second run sets again.
var tableOptions = map[string]bool{
	"FORCE": true, "ENGINE": true, "AUTO_INCREMENT": true, "COMMENT": true, "ROW_FORMAT": true, "KEY_BLOCK_SIZE": true,
	"STATS_PERSISTENT": true, "STATS_AUTO_RECALC": true, "STATS_SAMPLE_PAGES": true, "AVG_ROW_LENGTH": true, "MAX_ROWS": true, "MIN_ROWS": true,
	"ALGORITHM": true, "LOCK": true,
}

// toComma moves to the clause's end and notes foreign keys' tables. It says
// whether IF [NOT] EXISTS stood at the clause's head.
func (r *reader) toComma(begin int) (again bool) {
	r.at = max(begin, min(r.at, len(r.list)))
	again = r.guarded(begin)
	for depth := 0; !r.done(); {
		here := r.upper(0)
		if depth == 0 && here == "," {
			break
		}
		if r.accept("REFERENCES") {
			r.object(Table, Reads)
			continue
		}
		depth += nesting(here)
		r.at++
	}
	return again
}

// guarded says whether IF [NOT] EXISTS stands in the first words of the clause.
func (r *reader) guarded(begin int) bool {
	for i := begin; i+1 < len(r.list) && i < begin+6 && r.list[i].upper != "(" && r.list[i].upper != ","; i++ {
		if r.list[i].upper == "IF" && (r.list[i+1].upper == "EXISTS" || r.list[i+1].upper == "NOT") {
			return true
		}
	}
	return false
}

// onlineClause notes ALGORITHM [=] x and LOCK [=] x.
func (r *reader) onlineClause() {
	which := r.upper(0)
	if which != "ALGORITHM" && which != "LOCK" {
		return
	}
	n := 1
	if r.upper(n) == "=" {
		n++
	}
	value := r.upper(n)
	if !onlineValues[value] {
		return
	}
	if which == "ALGORITHM" {
		r.Algorithm = value
	} else {
		r.Lock = value
	}
}

var onlineValues = map[string]bool{
	"DEFAULT": true, "INSTANT": true, "INPLACE": true, "NOCOPY": true, "COPY": true, "NONE": true, "SHARED": true, "EXCLUSIVE": true,
}

// renameClause reads RENAME [TO|AS|=] name, or RENAME COLUMN, INDEX, KEY.
func (r *reader) renameClause() {
	if r.acceptAny("COLUMN", "INDEX", "KEY") != "" {
		r.ifExists()
		from, ok := r.identifier()
		if ok && r.accept("TO") {
			to, _ := r.identifier()
			r.columns.rename(r.lower(from), r.lower(to))
		}
		return
	}
	r.acceptAny("TO", "AS", "=")
	if r.object(Table, RenameTo) {
		r.Objects[0].Use = RenameFrom
	}
}

// columnClause notes what columns are dropped, added and renamed.
func (r *reader) columnClause(first string) {
	r.skipAll("COLUMN")
	r.ifExists()
	if r.upper(0) == "(" {
		r.columns.many = true
		return
	}
	if notColumns[r.upper(0)] {
		return
	}
	name, ok := r.identifier()
	if !ok {
		return
	}
	switch first {
	case "ADD":
		r.columns.added = append(r.columns.added, r.lower(name))
	case "DROP":
		r.columns.gone = append(r.columns.gone, r.lower(name))
	case "CHANGE":
		if to, ok := r.identifier(); ok {
			r.columns.rename(r.lower(name), r.lower(to))
		}
	}
}

// notColumns are what ALTER TABLE adds and drops besides columns.
var notColumns = map[string]bool{
	"PARTITION": true, "PRIMARY": true, "INDEX": true, "KEY": true, "UNIQUE": true, "FULLTEXT": true, "SPATIAL": true, "VECTOR": true,
	"CONSTRAINT": true, "FOREIGN": true, "CHECK": true, "SYSTEM": true, "PERIOD": true,
}

func (r *reader) lower(w word) string { return strings.ToLower(token.Unquote(w.In(r.words.text))) }

// seekTable moves behind the two words, within the clause, and reads the table
// there.
func (r *reader) seekTable(first, second string, use Use) {
	for !r.done() && r.upper(0) != "," {
		if r.accept(first, second) {
			r.object(Table, use)
			return
		}
		r.at++
	}
	r.unsure = true
}

// swap gathers what ALTER TABLE does to names of columns.
type swap struct {
	gone, added []string
	many        bool // ADD (a …, b …)
}

func (s *swap) rename(from, to string) {
	if from != to {
		s.gone, s.added = append(s.gone, from), append(s.added, to)
	}
}

// swapped says whether a column's name may be another column's afterwards.
func (s *swap) swapped() bool {
	added := map[string]bool{}
	for _, name := range s.added {
		added[name] = true
	}
	return s.many && len(s.gone) > 0 || slices.ContainsFunc(s.gone, func(name string) bool { return added[name] })
}
