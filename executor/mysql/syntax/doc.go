// Package syntax reads one statement of MySQL or MariaDB at a time and says what
// the executor and the reviewer need to know of it: its kind, the objects it
// names and what it does with them, whether it may run twice, whether it can be
// moved to a scratch schema.
//
// Two readers look at a statement. Our own recogniser goes over the tokens: it
// knows the heads of all statements, where names stand in statements about
// tables, and MariaDB's dialect; it never fails. The parser of TiDB
// (github.com/pingcap/tidb/pkg/parser) makes a tree of what it takes, about
// nineteen statements of twenty. Names count as understood only when both agree,
// or when the parser refuses and the recogniser accounts for every token that
// could be a name.
package syntax
