// Package script takes the text of a migration file apart: into statements with
// exact places, and ShipSQL's directives. A [Form] says whose SQL it is and what
// ends a statement.
//
// PostgreSQL: it follows the server's own lexer (src/backend/parser/scan.l) and
// psql's rules for where a statement ends (src/fe_utils/psqlscan.l): quoting in
// all forms, nested comments, dollar quotes, the statements inside parentheses
// of CREATE RULE and inside BEGIN ATOMIC … END, the data of COPY.
//
// MySQL and MariaDB: it follows the servers' lexer in the default SQL mode
// (executor/mysql/token) and the mysql program's rules: DELIMITER lines are acted
// on and never sent, other lines for the client come out as Client pieces, which
// engines refuse by name. Stored programs need no DELIMITER: the blocks of their
// bodies are followed (the states are at the type body). A version comment,
// /*!80000 … */, is code, and nothing inside it ends a statement.
//
// It never fails: text that is no SQL comes out as some statement, and the
// parser says what is wrong with it. It takes time linear in the text.
//
// Offsets are bytes, lines and columns start at 1, columns count code points.
package script
