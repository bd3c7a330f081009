// Package catalog describes what a database holds, in words that fit every
// engine: schemas' tables with columns, constraints, indexes, sizes and
// partitions, plus the functions and domains that decide what a change costs.
//
// It is a plain value, read once per review or plan by an engine's snapshot
// (executor/postgres/snapshot) and never changed afterwards, so it may be
// shared between goroutines. ShipSQL's own ledger and the engine's system
// schemas are left out.
package catalog
