// Package enginetest is the conformance suite of the engine seam: what every
// executor.Engine owes, told once.
//
// An engine's tests hand [Run] an [Engine]: how its databases are had, and the
// few texts in which its SQL differs. The stories see a database through
// executor.Target and through SQL that every product understands. Each plays on
// a database of its own, beside the others:
//
//	Apply        once, in order; edited, late, missing and repeatable files
//	Folders      an empty database is brought up; others want a baseline
//	Failures     where it failed, what stays, how it goes on; questions and answers
//	Ledger       marks, status, and a ledger that somebody edited
//	Undo         newest first, each once; stopped and asked about like Apply
//	Locks        refused, tried again, given up; racing and overtaken runs
//	Interrupted  cancelled, ended within the grace time, on its own session only
//	Companion    another tool's history goes with the row
//	Places       logins, servers and ledgers with which it can't run; Inspect
//	Faults       cut wires, killed processes, a crashed server: each effect once
//
// [Bench] is also what an engine's tests of its own stand on.
package enginetest
