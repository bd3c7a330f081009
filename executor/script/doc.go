// Package script takes the text of a PostgreSQL migration file apart: into
// statements with exact places, and ShipSQL's directives.
//
// It follows PostgreSQL's own lexer (src/backend/parser/scan.l) and psql's rules
// for where a statement ends (src/fe_utils/psqlscan.l): quoting in all forms,
// nested comments, dollar quotes, the statements inside parentheses of CREATE
// RULE and inside BEGIN ATOMIC … END. It never fails: text that is no SQL comes
// out as some statement, and the parser says what is wrong with it.
//
// Offsets are bytes, lines and columns start at 1, columns count code points.
package script
