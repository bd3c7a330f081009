// Package ledger holds what every engine has in common about the ledger: its
// rows as values, what a run has to do when a ledger and a folder are compared
// (Decide), and how the two look side by side (Status). All of it is pure; the
// engines read and write the tables (docs: execution.md §6.0).
//
// # Verdicts
//
//	the ledger has          and the run                         verdict
//	no row                  brings it                           Apply
//	no row                  has an audited skip of it           Skip
//	partial                 brings it                           Apply (the rest)
//	ambiguous               brings it                           stop: a person must resolve
//	applied or baseline     brings the same text                Have
//	applied or baseline     brings another text, accepted       Accept
//	applied or baseline     brings another text                 stop: changed after apply
//	skipped                 brings it                           Gone
//	another text            brings a repeatable one             Apply (the old row goes)
//	no row                  brings what a baseline did          Have
//	no row                  brings a baseline, not needed       Leave
//	undone                  brings it                           Apply, in place of that row
//
// An undo asks DecideUndo:
//
//	the ledger has          and the undo names it               verdict
//	applied or baseline     with a down text                    Undo
//	partial, half undone    with a down text                    Undo (the rest)
//	undone                                                      UndoneBefore
//	anything else, or no down text                              stop
//
// A migration below the newest of the ledger is a stop unless the run allows it,
// and so are older files of the folder that the ledger lacks, except on an empty
// database, which is brought up from the first one. A ledger that holds what no
// ShipSQL writes (Check) stops everything.
//
// An empty database begins with the folder's newest baseline, if it has one.
// Decisions stand in the folder's order: by number, or as its layout says.
package ledger
