// Package torture holds no code of the product: its tests break everything an
// executor stands on while it applies migration folders, and then prove that
// every statement took effect exactly once and that the ledger says so. One
// harness plays with every engine.
//
// # A folder
//
//	story      a folder of migrations is made up from a seed: scenes of statements
//	           that don't bear to run twice, interleaved, cut into files
//	reference  a plain loop runs the statements one by one in a database of its
//	           own; the whole database, schema and rows, is noted after each
//	apply      three worker processes race to apply the folder to the target
//	break      meanwhile a proxy cuts their wires, processes get SIGKILL, and the
//	           server crashes
//	audit      now and then all workers are killed at once, and the target must be
//	           what the reference was after as many statements as its ledger says
//	judge      at the end the target is what the reference is, every file and step
//	           is recorded, and nothing is left over
//	undo       a folder with a way back is taken back and applied again, under the
//	           same faults
//
// # A statement in doubt
//
// Where the engine says that an outcome can't be proven, the harness plays the
// person: it compares the target with the reference before and after the
// statement, answers applied or retry, and counts the case. Only statements that
// execution.md §6.4.7 (§6.3 on PostgreSQL) allows to be ambiguous may be; others
// are settled, too, and fail the round. A statement that is no single effect is
// completed by hand first.
//
// # Rounds
//
// Folders follow each other on one server until the round's quota of faults is
// used up. `make test` plays one small round per engine; SHIPSQL_TORTURE=1 plays
// the full count, keeps its progress in SHIPSQL_TORTURE_DIR, and prints figures.
// SHIPSQL_TORTURE_SEED plays the round with that seed again. Seeds decide the
// folders and the faults, not the moments of a scheduler.
//
// # Bad states
//
// Further tests bring databases into states that nobody wants (a hand-edited
// ledger, a restored backup, a replica, a full disk, missing grants) and check
// that each has its own message with a remedy.
package torture
