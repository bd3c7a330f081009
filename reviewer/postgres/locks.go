package postgres

import (
	"slices"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// lockMode is one of PostgreSQL's table-level lock modes, by strength.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
type lockMode int

const (
	accessShare lockMode = iota + 1
	rowShare
	rowExclusive
	shareUpdateExclusive
	share
	shareRowExclusive
	exclusive
	accessExclusive
)

var modeNames = map[lockMode]string{
	accessShare: "ACCESS SHARE", rowShare: "ROW SHARE", rowExclusive: "ROW EXCLUSIVE",
	shareUpdateExclusive: "SHARE UPDATE EXCLUSIVE", share: "SHARE", shareRowExclusive: "SHARE ROW EXCLUSIVE",
	exclusive: "EXCLUSIVE", accessExclusive: "ACCESS EXCLUSIVE",
}

// blocks says what an application can't do meanwhile.
func (m lockMode) blocks() string {
	switch {
	case m == accessExclusive:
		return "reads_and_writes"
	case m >= share:
		return "writes"
	}
	return "none"
}

// effects collects what one statement does to relations that exist before the
// change; what it does to new ones disturbs nobody.
type effects struct {
	schema  *schema.Schema
	order   []catalog.Name
	locks   map[catalog.Name]lockMode
	rewrite []string
	scan    []string
}

// lock notes a lock; the strongest of several counts.
func (e *effects) lock(t *schema.Table, mode lockMode) {
	if t != nil && !t.New {
		e.lockName(t.Name, mode)
	}
}

func (e *effects) lockName(name catalog.Name, mode lockMode) {
	if e.locks == nil {
		e.locks = map[catalog.Name]lockMode{}
	}
	if e.locks[name] == 0 {
		e.order = append(e.order, name)
	}
	e.locks[name] = max(e.locks[name], mode)
}

// lockTree locks a table and its partitions.
func (e *effects) lockTree(t *schema.Table, mode lockMode) {
	e.lock(t, mode)
	for _, p := range e.schema.Partitions(t) {
		e.lock(p, mode)
	}
}

// rewriteTable and scanTable note the relations that hold the table's rows;
// what is written anew is read, too.
func (e *effects) rewriteTable(t *schema.Table) {
	e.rewrite = e.addLeaves(e.rewrite, t)
	e.scanTable(t)
}

func (e *effects) scanTable(t *schema.Table) { e.scan = e.addLeaves(e.scan, t) }

func (e *effects) addLeaves(list []string, t *schema.Table) []string {
	if t == nil || t.New {
		return list
	}
	leaves := []*schema.Table{t}
	if partitions := e.schema.Partitions(t); len(partitions) > 0 {
		leaves = partitions
	}
	for _, leaf := range leaves {
		if name := leaf.Name.String(); leaf.Kind != catalog.PartitionedTable && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

func (e *effects) report() finding.Effects {
	report := finding.Effects{Locks: []finding.Lock{}, Rewrite: []string{}, Scan: []string{}, Source: "static"}
	for _, name := range e.order {
		mode := e.locks[name]
		report.Locks = append(report.Locks, finding.Lock{Object: name.String(), Mode: modeNames[mode], Blocks: mode.blocks()})
	}
	report.Rewrite = append(report.Rewrite, e.rewrite...)
	report.Scan = append(report.Scan, e.scan...)
	return report
}
