package history

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Compat says whose history is to be kept along on one database.
type Compat struct {
	Where // Tool is goose or golang-migrate

	Folder []executor.Migration // the whole folder, in order
	Status []executor.Entry     // what the ledger says about it
}

// NewCompanion makes the companion for one run on one database. What the ledger
// has and the tool's table lacks is written by Prepare, so the table may be new
// or behind. The error is unsupported for other tools, conflict when the tool
// applied what the ledger lacks or would stop at its own history, invalid for a
// folder whose versions it can't write, or an error of the reader.
//
// The tool's own lock is not taken: nobody should run it at the same time.
func NewCompanion(ctx context.Context, r executor.Reader, c Compat) (executor.Companion, error) {
	write, ok := writers[c.Tool]
	if !ok {
		return nil, fault.New(fault.Unsupported, "the history of %s can't be kept along", c.Tool).Then("that works for goose and golang-migrate; use the native history")
	}
	versions, err := numbers(c.Folder)
	if err != nil {
		return nil, err
	}
	k := &keeper{writer: write, versions: versions}
	h, err := c.locate(ctx, r, k)
	if err != nil {
		return nil, err
	}
	behind, err := c.behind(h)
	if err != nil {
		return nil, err
	}
	for _, m := range behind {
		k.prepare = append(k.prepare, k.Record(m)...)
	}
	return k, nil
}

// locate finds the tool's table, or names the one to make.
func (c Compat) locate(ctx context.Context, r executor.Reader, k *keeper) (History, error) {
	tables, err := listTables(ctx, r, c.Where)
	if err != nil {
		return History{}, err
	}
	own := slices.DeleteFunc(identify(tables, c.Where), func(x candidate) bool { return x.tool.name != c.Tool })
	d, t := dialect(c.Dialect), toolNamed(c.Tool)
	if len(own) == 0 {
		k.table, err = c.newTable(ctx, r)
		k.prepare = queries(k.create(k.table, d))
		return History{Tool: c.Tool}, err
	}
	found, err := choose(own, c.Where)
	if err != nil {
		return History{}, err
	}
	k.table = d.name(found.schema, found.name)
	rows, err := read(ctx, r, t.query(d, k.table))
	if err != nil {
		return History{}, err
	}
	h := History{Tool: c.Tool, Table: found.schema + "." + found.name}
	h.Rows, err = t.fold(h.Table, rows)
	return h, err
}

// newTable is where the tool would make its table.
func (c Compat) newTable(ctx context.Context, r executor.Reader) (string, error) {
	d, name := dialect(c.Dialect), toolNamed(c.Tool).tables[0]
	schema, table, qualified := strings.Cut(c.Table, ".")
	if qualified {
		return d.name(schema, table), nil
	}
	if c.Table != "" {
		name = c.Table
	}
	current := "current_schema()"
	if d.mysql() {
		current = "database()"
	}
	err := r.Query(ctx, executor.Query{SQL: "SELECT " + d.text(current)}, func(scan func(...any) error) error { return scan(&schema) })
	if err == nil && schema == "" {
		err = fault.New(fault.Conflict, "the login has no schema to make %s in", name).Then("name the table with its schema")
	}
	return d.name(schema, name), err
}

// behind returns what the ledger has and the tool's table lacks.
func (c Compat) behind(h History) ([]executor.Migration, error) {
	states := map[string]executor.State{}
	for _, e := range c.Status {
		states[e.Version] = e.State
	}
	said := Compare(h, Folder{Migrations: c.Folder})
	for _, u := range said.Unproven {
		if u.Covered { // perhaps a late file: golang-migrate can't tell
			continue
		}
		switch states[u.Version] {
		case "", executor.StatePending, executor.StateUndone, executor.StatePartial, executor.StateAmbiguous:
			return nil, fault.New(fault.Conflict, "%s applied version %s, which the ledger lacks", h.Tool, u.Version).At(u.Path).
				Then("take over what it did with shipsql migrate adopt")
		}
	}
	return slices.DeleteFunc(said.Pending, func(m executor.Migration) bool {
		switch states[m.Version] {
		case executor.StateApplied, executor.StateBaseline, executor.StateChanged:
			return m.Kind != executor.Versioned
		}
		return true
	}), nil
}

// keeper is a companion.
type keeper struct {
	writer

	table    string  // quoted, with its schema
	versions []int64 // of the folder, ascending
	prepare  []executor.Query
}

// writer writes one tool's rows.
type writer struct {
	create func(table string, d dialect) []string
	record func(table string, version int64) []string
	undo   func(table string, version, before int64) []string // before: the version below; -1 if there is none
}

var writers = map[string]writer{
	goose.name:         {createGoose, recordGoose, undoGoose},
	golangMigrate.name: {createGolangMigrate, recordGolangMigrate, undoGolangMigrate},
}

func (k *keeper) Prepare() []executor.Query { return slices.Clone(k.prepare) }

func (k *keeper) Record(m executor.Migration) []executor.Query {
	version, err := number(m)
	if err != nil { // repeatables: the tools know none
		return nil
	}
	return queries(k.record(k.table, version))
}

func (k *keeper) Undo(m executor.Migration) []executor.Query {
	version, err := number(m)
	if err != nil {
		return nil
	}
	before := int64(-1)
	if i, _ := slices.BinarySearch(k.versions, version); i > 0 {
		before = k.versions[i-1]
	}
	return queries(k.undo(k.table, version, before))
}

func queries(texts []string) []executor.Query {
	var all []executor.Query
	for _, sql := range texts {
		all = append(all, executor.Query{SQL: sql})
	}
	return all
}

// numbers are the versions of a folder's versioned migrations, ascending.
func numbers(folder []executor.Migration) ([]int64, error) {
	var all []int64
	for _, m := range folder {
		if m.Kind != executor.Versioned {
			continue
		}
		n, err := number(m)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all, nil
}

func number(m executor.Migration) (int64, error) {
	n, err := strconv.ParseInt(m.Version, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, "version %s is no whole number below 2^63, as the other tool needs it", m.Version).At(m.Path).
			Then("use the native history, or rename the file")
	}
	return n, nil
}

// goose makes its table with a row of version 0, and is confused without it.
func createGoose(table string, d dialect) []string {
	columns := "id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now()"
	if d.mysql() {
		columns = "id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp datetime NULL DEFAULT CURRENT_TIMESTAMP"
	}
	return []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", table, columns),
		fmt.Sprintf("INSERT INTO %s (version_id, is_applied) SELECT v.version, true FROM (SELECT 0 AS version) v WHERE NOT EXISTS (SELECT 1 FROM %[1]s)", table),
	}
}

// recordGoose leaves one row per version, whatever was logged before.
func recordGoose(table string, version int64) []string {
	return append(undoGoose(table, version, 0), fmt.Sprintf("INSERT INTO %s (version_id, is_applied) VALUES (%d, true)", table, version))
}

func undoGoose(table string, version, _ int64) []string {
	return []string{fmt.Sprintf("DELETE FROM %s WHERE version_id = %d", table, version)}
}

func createGolangMigrate(table string, _ dialect) []string {
	return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)", table)}
}

// recordGolangMigrate raises the one row; a version below it (out of order)
// changes nothing, as golang-migrate knows only the newest.
func recordGolangMigrate(table string, version int64) []string {
	return []string{fmt.Sprintf("DELETE FROM %s WHERE version < %d", table, version), current(table, version)}
}

// undoGolangMigrate goes back to the version below, if the undone one is where
// golang-migrate stands. No row is its word for no version.
func undoGolangMigrate(table string, version, before int64) []string {
	all := []string{fmt.Sprintf("DELETE FROM %s WHERE version = %d", table, version)}
	if before >= 0 {
		all = append(all, current(table, before))
	}
	return all
}

// current writes the one row if there is none.
func current(table string, version int64) string {
	return fmt.Sprintf("INSERT INTO %s (version, dirty) SELECT v.version, false FROM (SELECT %d AS version) v WHERE NOT EXISTS (SELECT 1 FROM %[1]s)", table, version)
}
