package history

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// History is what another tool recorded in a database.
type History struct {
	Tool  string // the name of its layout, e.g. "flyway"
	Table string // with its schema, e.g. "public.flyway_schema_history"
	Rows  []Row  // what it calls applied, oldest first
}

// Row is a migration that a tool calls applied.
type Row struct {
	Version string // as the tool writes it; "" for a repeatable migration
	Name    string // description; "" when the tool records none
	Script  string // file, as the tool names it; "" when it records none
	Sum     string // checksum, as the tool writes it; "" when it records none
	Note    string // what a reader should know, e.g. that it was only marked as applied

	id     string // rows with the same one are about the same migration; "": key is that
	key    string // joins rows with migrations
	covers bool   // stands for everything at or below its version
	mark   bool   // needs no file: only a mark that somebody set
}

// Where says where to look for a history.
type Where struct {
	Dialect script.Dialect
	Tool    string // of several histories, that of this tool; "" or an unknown name: no preference
	Table   string // the history's table, where it has not the tool's usual name; optionally with its schema
}

// Find reads the history in a database. The error is not_found when there is
// none, conflict when several could be meant or when the tool itself would stop
// at what it recorded (dirty, failed), unsupported for a tool whose migrations
// can't be run, or an error of the reader.
func Find(ctx context.Context, r executor.Reader, w Where) (History, error) {
	tables, err := listTables(ctx, r, w)
	if err != nil {
		return History{}, err
	}
	found, err := choose(identify(tables, w), w)
	if err != nil {
		return History{}, err
	}
	d := dialect(w.Dialect)
	h := History{Tool: found.tool.name, Table: found.schema + "." + found.name}
	if found.tool.refused != "" {
		return History{}, fault.New(fault.Unsupported, "%s is the history of %s", h.Table, found.tool.refused).
			Then("write the migrations as SQL files, then record what is there with shipsql migrate baseline")
	}
	if err := atWork(ctx, r, d, found); err != nil {
		return History{}, err
	}
	rows, err := read(ctx, r, found.tool.query(d, d.name(found.schema, found.name)))
	if err != nil {
		return History{}, err
	}
	h.Rows, err = found.tool.fold(h.Table, rows)
	return h, err
}

// atWork refuses a history that its tool writes to right now, or did when it died:
// what it did last may not be on record yet.
func atWork(ctx context.Context, r executor.Reader, d dialect, of candidate) error {
	if of.tool.lock == "" {
		return nil
	}
	var lock, holder string
	err := r.Query(ctx, executor.Query{
		SQL: "SELECT " + d.text("table_name") + " FROM information_schema.tables WHERE table_schema = " + d.placeholder("1") +
			" AND lower(table_name) = " + d.placeholder("2"), Args: []any{of.schema, of.tool.lock},
	}, func(scan func(...any) error) error { return scan(&lock) })
	if err != nil || lock == "" {
		return err
	}
	err = r.Query(ctx, executor.Query{
		SQL: "SELECT concat_ws(', since ', coalesce(lockedby, 'somebody'), nullif(" + d.text("lockgranted") + ", '')) FROM " + d.name(of.schema, lock) + " WHERE locked",
	}, func(scan func(...any) error) error { return scan(&holder) })
	if err != nil || holder == "" {
		return err
	}
	return fault.New(fault.Conflict, "%s is at work here, or died at it: %s.%s is held by %s", of.tool.name, of.schema, lock, holder).
		Then("wait until it is done; if none runs, look what its last changeset left behind, run liquibase release-locks, then adopt again")
}

func read(ctx context.Context, r executor.Reader, q executor.Query) ([]record, error) {
	var rows []record
	err := r.Query(ctx, q, func(scan func(...any) error) error {
		var row record
		err := scan(&row.version, &row.name, &row.script, &row.kind, &row.state, &row.sum)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// table is one that may hold a history.
type table struct {
	schema, name string
	visible      bool     // unqualified names find it
	columns      []string // in lower case
}

// listTables lists the tables that have a history's name, with their columns.
func listTables(ctx context.Context, r executor.Reader, w Where) ([]table, error) {
	var all []table
	err := r.Query(ctx, tablesQuery(w), func(scan func(...any) error) error {
		var schema, name, column, visible string
		if err := scan(&schema, &name, &column, &visible); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].schema != schema || all[n-1].name != name {
			all = append(all, table{schema: schema, name: name, visible: visible == "yes"})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, column)
		return nil
	})
	return all, err
}

func tablesQuery(w Where) executor.Query {
	d := dialect(w.Dialect)
	schemas, visible := "table_schema NOT IN ('pg_catalog', 'information_schema')", "table_schema::name = ANY (current_schemas(false))"
	if d.mysql() {
		schemas, visible = "table_schema = database()", "true"
	}
	names, args := "'"+strings.Join(tableNames(), "', '")+"'", []any(nil)
	if w.Table != "" {
		schema, name, qualified := strings.Cut(w.Table, ".")
		if !qualified {
			schema, name = "", schema
		}
		names, args = "lower("+d.placeholder("1")+")", []any{name}
		if qualified {
			schemas, args = "table_schema = "+d.placeholder("2"), append(args, schema)
			if d.mysql() { // positions count there
				args[0], args[1] = args[1], args[0]
			}
		}
	}
	return executor.Query{SQL: "SELECT " + strings.Join([]string{d.text("table_schema"), d.text("table_name"), d.text("lower(column_name)"), when(visible, "yes", "no")}, ", ") +
		" FROM information_schema.columns WHERE " + schemas + " AND lower(table_name) IN (" + names + ") ORDER BY table_schema, table_name, ordinal_position", Args: args}
}

// railsMark is the table that Rails makes beside its history.
const railsMark = "ar_internal_metadata"

func tableNames() []string {
	names := []string{railsMark}
	for _, t := range tools {
		names = append(names, t.tables...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// candidate is a table whose tool is known.
type candidate struct {
	table

	tool tool
}

// identify finds out whose the tables are.
func identify(tables []table, w Where) []candidate {
	var all []candidate
	for _, t := range tables {
		marked := slices.ContainsFunc(tables, func(o table) bool { return o.schema == t.schema && strings.EqualFold(o.name, railsMark) })
		for _, tool := range tools {
			named := w.Table != "" || slices.Contains(tool.tables, strings.ToLower(t.name))
			if named && tool.owns(t.columns) && (tool.name != rails.name || marked) {
				all = append(all, candidate{t, tool})
				break
			}
		}
	}
	return all
}

// choose picks the history that is meant: of the wanted tool before others, what
// unqualified names find before other schemas, today's table before an old one.
func choose(all []candidate, w Where) (candidate, error) {
	best := narrowed(all, func(c candidate) bool { return c.tool.name == w.Tool })
	best = narrowed(best, func(c candidate) bool { return c.visible })
	best = narrowed(best, func(c candidate) bool { return strings.EqualFold(c.name, c.tool.tables[0]) })
	switch len(best) {
	case 0:
		return candidate{}, nothing(w)
	case 1:
		return best[0], nil
	}
	var names []string
	for _, c := range best {
		names = append(names, fmt.Sprintf("%s.%s (%s)", c.schema, c.name, c.tool.name))
	}
	return candidate{}, fault.New(fault.Conflict, "several tools' histories are here: %s", strings.Join(names, ", ")).
		Then("say whose is meant with --layout, or which table with --table")
}

// narrowed keeps what holds, or all where it holds of nothing.
func narrowed(all []candidate, holds func(candidate) bool) []candidate {
	var some []candidate
	for _, c := range all {
		if holds(c) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}

func nothing(w Where) error {
	looked := w.Table
	if looked == "" {
		looked = strings.Join(slices.DeleteFunc(tableNames(), func(n string) bool { return n == railsMark }), ", ")
	}
	return fault.New(fault.NotFound, "the database has no history of another tool; looked for %s", looked).
		Then("name its table with --table, or say what is there with shipsql migrate baseline --to VERSION")
}
