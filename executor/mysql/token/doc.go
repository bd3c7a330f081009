// Package token takes text in MySQL's and MariaDB's SQL apart into tokens: words,
// quoted names, strings, comments and marks, with exact byte offsets. Both the
// splitter (executor/script) and the reader of statements
// (executor/mysql/syntax) go over it.
//
// It follows the servers' default SQL mode: a backslash escapes inside '…' and
// "…", and "…" may be a string or (ANSI_QUOTES) a name. A version comment, /*!80000 … */
// or /*M!100000 … */, is code: what is inside comes out as tokens between a
// VersionOpen and a VersionClose. The text of an unfinished quote or comment ends
// with the text.
//
// https://dev.mysql.com/doc/refman/8.4/en/language-structure.html
// https://mariadb.com/kb/en/comment-syntax/
package token
