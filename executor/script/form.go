package script

// Dialect is a family of SQL that is taken apart in the same way.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql" // MariaDB's too
)

// Form says how a file is written, and so how it is taken apart. The zero Form
// is a plain file of PostgreSQL.
type Form struct {
	// Dialect is whose quotes, comments and bodies the text has; "" is Postgres.
	Dialect Dialect
	// Delimiter ends a statement; "" is the semicolon. Layouts set it where a file
	// names another one (Atlas' atlas:delimiter, Liquibase's endDelimiter).
	Delimiter string
	// Blocks makes goose's annotations "-- +goose StatementBegin" and
	// "-- +goose StatementEnd" bind what lies between them to one statement.
	Blocks bool
}

// Split returns the statements of a file in order. Statements never overlap, and
// what lies between them is white space, comments, delimiters, lines that only
// speak to a client, and COPY data. An unfinished quote, comment or parenthesis
// takes in the rest of the file. It never fails and takes time linear in the
// text.
func (f Form) Split(sql string) []Statement {
	statements, _ := f.scan(sql)
	return statements
}
