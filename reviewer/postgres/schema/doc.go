// Package schema simulates what a PostgreSQL database holds while a change's
// statements run: it starts from a catalog, from SQL that describes one, or
// from nothing, and each statement is applied to it in turn.
//
// A table is in one of three states of knowledge:
//
//	known, old   it was there before the change: what rules are about
//	known, new   this change made it: nobody uses it yet, so nothing about it is a hazard
//	placeholder  a statement names it and nobody described it: taken to exist,
//	             with nothing known but what the change itself did to it
//
// Only tables that a statement touches are copied from the catalog, so a review
// costs what it touches, not what the database holds.
package schema
