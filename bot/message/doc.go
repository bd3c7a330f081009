// Package message holds every text ShipSQL posts on a forge: a template each,
// the helpers that make other people's words harmless, and the budget that
// keeps a comment within the forge's limit.
//
// It knows neither the domain nor the forges. Callers fill plain data
// (package view does) and get Markdown. docs/TEMPLATES.md shows every message
// with sample data; it is written by this package's golden test.
//
// # Untrusted text
//
// SQL, database errors, file names, titles, reasons and logins are written by
// others, some of them hostile. In a template every value goes through one of
//
//	text   prose: no Markdown, HTML, mention, reference or link survives
//	code   a code span (tcode in a table, where a bar ends the cell)
//	fence  a block longer than any run of backticks within
//
// A test fills every field of every message with hostile text and looks for
// anything that got through. The only deliberate mentions are those of the
// approvers in the comment that asks them.
//
// # Budget
//
// A long message is a list of parts with items. When it is too long, the least
// important part loses its last items first, which are counted and pointed to
// on the web page. An item is kept whole or dropped, so no cut falls inside a
// fence, a table row or a <details>.
package message
