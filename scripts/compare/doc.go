// Compare runs ShipSQL, goose and golang-migrate beside each other and prints two
// tables as Markdown: what it takes to apply a folder, and what the application
// beside it feels while a migration waits for its lock.
//
//	go run ./scripts/compare [-rounds 3] [-only apply|stall|large]
//
// All work on the same private servers, which flush what they commit, by turns:
// each round every tool gets a fresh database. The other tools are the real ones,
// built by scripts/peers. Absolute times are this machine's of that minute; the
// ratios to the raw loop, one hand-written transaction per file, are what counts.
package main
