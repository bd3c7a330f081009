// Package executor knows everything about migrations and one database: which
// files make up the folder and in which order they run (executor/layout), and what
// a target database says was applied (executor/ledger). The engines that run them
// live below it (executor/postgres, executor/mysql); the text of a file is taken
// apart in executor/script.
//
// # The life of a migration on one database
//
// The ledger in the target database is the truth (docs: execution.md §6.0). A
// migration that has no row there is pending; the words are those of [State]:
//
//	from       event                                         to
//	pending    its one transaction commits                   applied
//	pending    its first step outside a transaction starts   partial
//	pending    audited skip                                  skipped
//	pending    baseline at or above its version              baseline
//	partial    its last step is done                         applied
//	partial    a step's outcome can't be proven              ambiguous
//	ambiguous  resolve applied, resolve retry                partial
//	applied    its down text ran, as one or step by step     undone
//	undone     it is brought again                           applied
//	applied    the file's text differs from what was applied changed
//	applied    the file is gone from the folder              missing
//
// A repeatable migration whose text changed is pending again, whatever its state.
// What a baseline migration made on an empty database is baseline without a row.
//
// changed and missing are never stored: they come from comparing the ledger
// with the folder.
package executor
