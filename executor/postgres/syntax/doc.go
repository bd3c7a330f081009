// Package syntax parses PostgreSQL statements with PostgreSQL's own grammar
// (libpg_query), in a child process of the same binary.
//
// The grammar is C code and the statements are strangers' text, so a crash,
// an endless loop or a flood of memory must cost one statement and never the
// server (DESIGN §8, invariant 7):
//
//   - guards in Go refuse what is too large or nested too deep before any C
//     code sees it;
//   - the child has an address-space limit, and dies with its parent;
//   - a batch that outlives its timeout, or whose worker dies, is tried again
//     in careful mode, where the worker answers after every statement, so that
//     the culprit is known exactly; it alone is reported as Crashed or TimedOut.
//
// A worker's life:
//
//	none ──first batch──▶ idle ──batch──▶ busy ──answered──▶ idle
//	 ▲                      │               │
//	 └──────Close───────────┴──death, timeout, cancelled: killed──▶ none
package syntax
