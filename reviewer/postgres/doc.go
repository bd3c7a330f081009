// Package postgres knows what PostgreSQL does with each statement (which locks
// it takes, what it rewrites and scans) and the rules that say when that hurts.
//
// Every rule has one file, named after it, with all there is to the rule: id,
// severity, why, remedy and check. rules.go lists them. What the rules claim
// about locks, rewrites and scans is measured against a real server by the
// tests of this package.
//
// A change is analysed statement by statement against the schema as it is at
// that point (package schema), so that a rule can tell a table full of rows and
// readers from one that the change made a line above.
package postgres
