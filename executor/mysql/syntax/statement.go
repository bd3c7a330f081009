package syntax

import "github.com/shipsql/shipsql/executor/catalog"

// Flavour says whose SQL a statement is read as.
type Flavour string

// The flavours.
const (
	MySQL   Flavour = "mysql"
	MariaDB Flavour = "mariadb"
)

// Statement is what the executor and the reviewer know of one statement.
type Statement struct {
	Kind Kind
	// Refused is what the parser says against the text, "" when it took it. It is
	// no proof of a mistake: the parser refuses one real statement in twenty.
	Refused string
	// Understood says that Objects is complete: every name in the statement was
	// found, and nothing in it depends on the server's version.
	Understood bool
	Objects    []Object
	// Functions are what the statement calls, builtins and stored ones, in lower
	// case and without their schema. The body of a routine that it creates calls
	// nothing yet.
	Functions []string
	// Variables are what SET changes, also in front of another statement (SET
	// STATEMENT … FOR).
	Variables []Variable
	// Again says that the statement is one of the forms that may run a second time
	// without a second effect: IF [NOT] EXISTS on all that it makes or drops, CREATE
	// OR REPLACE and ALTER VIEW of what has no rows, ANALYZE, OPTIMIZE, CHECK, REPAIR, and table
	// options alone (FORCE, ENGINE, AUTO_INCREMENT …).
	Again bool
	// SameText says that the objects' SHOW CREATE text may be the same before and
	// after while their rows are others: EXCHANGE and TRUNCATE PARTITION, TRUNCATE,
	// CREATE TABLE … SELECT, CREATE OR REPLACE of what has rows, a RENAME that
	// swaps, a column that is dropped and added.
	SameText bool
	// Algorithm and Lock are the statement's own ALGORITHM= and LOCK= clauses, in
	// upper case; "" where it has none.
	Algorithm, Lock string

	// Temporary says that it makes or drops a TEMPORARY table, which is gone when
	// the session ends.
	Temporary bool

	flavour Flavour
	text    string
	plain   string // text without comments, version comments' marks and SET STATEMENT
	ledger  bool   // one of the ledger's tables is named anywhere
	spots   []spot // of the first Objects' names in text
	online  online
	query   bool // names lie in a query, and Rewrite goes by the parser's tree
	fixed   bool // can't be moved to another schema
}

// Object is something that a statement names.
type Object struct {
	Kind ObjectKind
	Name catalog.Name // as written, without quotes; no Schema where none is written
	Use  Use
}

// ObjectKind says what sort of thing an object is.
type ObjectKind string

// The kinds of objects. A table may be a view where the statement can't tell.
const (
	Table       ObjectKind = "table"
	View        ObjectKind = "view"
	Trigger     ObjectKind = "trigger"
	Procedure   ObjectKind = "procedure"
	Function    ObjectKind = "function"
	Package     ObjectKind = "package"
	PackageBody ObjectKind = "package body"
	Event       ObjectKind = "event"
	Sequence    ObjectKind = "sequence"
	Schema      ObjectKind = "schema" // its name is in Name.Name
)

// Use is what a statement does with an object.
type Use string

// The uses.
const (
	Reads      Use = "reads"
	Writes     Use = "writes" // rows
	Creates    Use = "creates"
	Alters     Use = "alters"
	Drops      Use = "drops"
	RenameFrom Use = "renames from"
	RenameTo   Use = "renames to"
	Calls      Use = "calls"
)

// Variable is one variable that SET changes.
type Variable struct {
	Scope VariableScope
	Name  string // in lower case, without @; "names" for SET NAMES
}

// VariableScope is who sees a variable's new value.
type VariableScope string

// The scopes.
const (
	Session VariableScope = "session"
	Global  VariableScope = "global" // PERSIST and PERSIST_ONLY too
	User    VariableScope = "user"   // @name
)
