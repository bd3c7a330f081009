package syntax

import (
	"slices"
	"strings"
)

// ledgerTables are ShipSQL's own tables in a target.
var ledgerTables = []string{"shipsql_migrations", "shipsql_steps", "shipsql_meta"}

// namesLedger says whether one of the ledger's tables is named in a piece of
// text: a name in any quotes, or a string that may be run as SQL.
func namesLedger(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(ledgerTables, func(name string) bool { return strings.Contains(lower, name) })
}

// WritesLedger says whether the statement changes one of ShipSQL's own tables, or
// may: where not all of its names were understood, and in the body of a stored
// program, naming one is enough.
func (s Statement) WritesLedger() bool {
	if s.Kind == Select {
		return false
	}
	if !s.Understood || !s.plainNames() {
		return s.ledger
	}
	return slices.ContainsFunc(s.Objects, func(o Object) bool {
		return o.Use != Reads && slices.Contains(ledgerTables, strings.ToLower(o.Name.Name))
	})
}

// plainNames says whether the statement can touch only what it names.
func (s Statement) plainNames() bool {
	return s.Kind.ChangesRows() ||
		slices.Contains([]Kind{CreateTable, AlterTable, DropTable, RenameTable, TruncateTable, CreateIndex, DropIndex, CreateView, AlterView, DropView}, s.Kind)
}
