// Package runner carries the decisions of one Apply call out, over as many
// sessions as it takes. The engines give it a Session: one connection that holds
// the database's lock.
//
//	Open (connect, lock, mint the epoch)
//	  └ Ledger → Resolve the run's answers → Decide → Compile (all files, before any runs)
//	      └ for each file: still mine? → carry out the verdict → report
//	  on a Lost connection: Open again, at most 3 times; the ledger says what is done
//
// Nothing here knows a database product.
package runner
