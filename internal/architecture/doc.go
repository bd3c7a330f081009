// Package architecture holds the tests that keep the house as docs/architecture.md
// describes it: which room may know which.
package architecture
