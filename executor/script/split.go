package script

// Kind says what a piece of a file is.
type Kind int

// The kinds of pieces.
const (
	SQL    Kind = iota // a statement for the server
	CopyIn             // a COPY … FROM STDIN statement with the data that follows it
	Psql               // a line for psql that begins with a backslash, e.g. \connect
)

// Statement is one piece of a file, without the comments around it and without
// its semicolon; comments inside are kept.
type Statement struct {
	Kind       Kind
	Start, End int    // bytes in the file: the first one, and the one behind the last
	Text       string // the file's bytes from Start to End
	Line       int    // of the first byte
	Column     int    // of the first byte
	EndLine    int    // of the last byte
}

// Split returns the statements of a file in order. Statements never overlap, and
// what lies between them is white space, comments, semicolons and COPY data. An
// unfinished quote, comment or parenthesis takes in the rest of the file.
func Split(sql string) []Statement {
	return nil
}

// Position returns the line and column of a byte offset in the file.
func Position(sql string, offset int) (line, column int) {
	return 0, 0
}
